/**
 * Delivery of a log compared with a plain fetch loop with the same bytes and batches.
 *
 * @module
 */

import type { RuntimeName } from "../../test/runners.ts";
import {
  count,
  fixed,
  type Goal,
  line,
  type Measure,
  type MeasureContext,
  type Result,
} from "../measure.ts";

/** The measurement for `--only drain`. */
export const drain: Measure = {
  about: "delivering a log against a plain fetch loop with the same bytes and batches",
  measure,
};

const SPEED: Goal = { is: "at least", bound: 0.8 };
const CPU: Goal = { is: "at most", bound: 1.3 };

async function measure(runtime: RuntimeName, context: MeasureContext): Promise<Result> {
  const { host, sizes, doing } = context;
  const server = await host.server("scripts/bench/servers/counter.ts");
  try {
    const records = String(sizes.drainRecords);
    const directories: string[] = [];
    // Two more: one for the bodies of the plain loop, and one for warming up.
    for (let log = 1; log <= sizes.drainRounds + 2; log++) {
      doing(`writing log ${log} of ${sizes.drainRounds + 2}`);
      directories.push(host.newFolder());
      await host.program("node", "write_log.ts", [directories.at(-1)!, server.url, records]);
    }
    doing(`draining ${count(sizes.drainRecords)} records`);
    const numbers = await host.program(runtime, "drain.ts", [
      server.url,
      records,
      ...directories,
    ]);
    const { recordsPerSecond, megabytesPerSecond, bareMegabytesPerSecond } = numbers;
    const speed = `${count(recordsPerSecond)} records/s, ${count(megabytesPerSecond)} MB/s; ` +
      `bare fetch ${count(bareMegabytesPerSecond)} MB/s`;
    const cpu = `${fixed(numbers.cpuMicros, 2)} µs CPU a record; ` +
      `bare fetch ${fixed(numbers.bareCpuMicros, 2)} µs`;
    return {
      numbers,
      lines: [
        line("drain", runtime, speed, numbers.ratio, "× bare fetch", SPEED),
        line("drain", runtime, cpu, numbers.cpuRatio, "× its CPU", CPU),
      ],
    };
  } finally {
    server.stop();
  }
}
