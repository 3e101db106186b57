/**
 * Memory while a log is delivered, and whether it grows with the log.
 *
 * @module
 */

import type { RuntimeName } from "../../test/runners.ts";
import {
  count,
  fixed,
  type Goal,
  type Line,
  line,
  type Measure,
  type MeasureContext,
  type Result,
} from "../measure.ts";
import { RECORD_BYTES } from "../workloads/records.ts";

/** The measurement for `--only memory`. */
export const memory: Measure = {
  about: "memory while a log is delivered, and whether it grows with the log",
  measure,
};

async function measure(runtime: RuntimeName, context: MeasureContext): Promise<Result> {
  const { host, sizes, doing } = context;
  const server = await host.server("scripts/bench/servers/counter.ts");
  try {
    const peaks: number[] = [];
    const lines: Line[] = [];
    for (const size of sizes.logsMiB) {
      doing(`writing a log of ${count(size)} MiB`);
      const directory = host.newFolder();
      const records = Math.ceil(size * 2 ** 20 / RECORD_BYTES);
      await host.program("node", "write_log.ts", [directory, server.url, String(records)]);
      doing(`draining a log of ${count(size)} MiB`);
      const args = [directory, server.url, String(records)];
      const { idleMB, peakOverIdleMB } = await host.program(runtime, "memory.ts", args);
      peaks.push(peakOverIdleMB);
      const seen = `log of ${count(size)} MiB; the idle process has ${fixed(idleMB, 0)} MB`;
      const goal: Goal = { is: "below", bound: 64 };
      lines.push(line("memory", runtime, seen, peakOverIdleMB, "MB over idle", goal));
    }
    const [small, large] = sizes.logsMiB;
    const growth = peaks[1] - peaks[0];
    lines.push(
      line("memory", runtime, `log ${fixed(large / small, 0)} times as large`, growth, "MB more", {
        is: "at most",
        // Garbage collectors are lazy while memory is free. This is a sixteenth of the
        // difference between the logs.
        bound: 48,
      }),
    );
    return { lines, numbers: { smallMB: peaks[0], largeMB: peaks[1], growthMB: growth } };
  } finally {
    server.stop();
  }
}
