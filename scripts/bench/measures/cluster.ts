/**
 * A log on NATS JetStream, with one server and with three, compared with a log on disk.
 *
 * @module
 */

import { startCluster } from "../../../tests/support/jetstream/nats_cluster.ts";
import { startNats, withoutNats } from "../../../tests/support/jetstream/nats_server.ts";
import type { RuntimeName } from "../../test/runners.ts";
import type { Numbers } from "../host.ts";
import {
  count,
  fixed,
  type Line,
  line,
  type Measure,
  type MeasureContext,
  type Result,
} from "../measure.ts";
import { median } from "../median.ts";
import { measureTakeover } from "./takeover.ts";

/** The measurement for `--only cluster`. */
export const cluster: Measure = {
  about: "records into and out of a log on NATS JetStream, against a log on disk",
  measure,
};

const PARTITIONS = [1, 2, 4];
/** Maximum CPU per record, in and out, relative to a log on disk. */
const MAX_CPU = 4;
/**
 * Maximum ms until the partitions of a dead sender are drained again: its lease, and one
 * more scan.
 */
const MAX_TAKEOVER_MS = 15_000;
/** Maximum MiB that a writing and sending process takes beyond one with a log on disk. */
const MAX_MEMORY_MIB = 128;
/** Ms between polls of a new cluster for a leader. */
const LEADER_MS = 200;

async function measure(runtime: RuntimeName, context: MeasureContext): Promise<Result> {
  if (withoutNats) throw new Error(withoutNats);
  const { host, sizes, doing } = context;
  const server = await host.server("scripts/mock.ts", ["--port", "0", "--lean", "--quiet"]);
  const records = `${sizes.clusterRecords}`;
  const lines: Line[] = [];
  const numbers: Record<string, number> = {};
  const run = (args: readonly string[]): Promise<Numbers> =>
    host.program(runtime, "cluster_log.ts", [...args, records, server.url]);
  try {
    const file = await repeated(context, "a log on a disk", () => run(["file", host.newFolder()]));
    keep(numbers, "file", file);
    for (const replicas of [1, 3]) {
      await using nats = replicas === 1 ? await startNats() : await startCluster();
      for (const partitions of PARTITIONS) {
        let round = 0;
        const what = `${partitions} partitions, ${replicas} replicas`;
        const found = await repeated(context, what, () =>
          ready(() =>
            run([
              "stream",
              nats.address,
              `BENCH${partitions}_${round++}`,
              `${partitions}`,
              `${replicas}`,
            ])
          ));
        keep(numbers, `p${partitions}r${replicas}`, found);
        const seen = `${what}: in ${count(found.inPerSecond)}/s (${fixed(found.inCpuUs, 1)} µs), ` +
          `out ${count(found.outPerSecond)}/s (${fixed(found.outCpuUs, 1)} µs); disk: in ` +
          `${count(file.inPerSecond)}/s, out ${count(file.outPerSecond)}/s`;
        const cpu = (found.inCpuUs + found.outCpuUs) / (file.inCpuUs + file.outCpuUs);
        lines.push(
          line("cluster", runtime, seen, cpu, "× CPU of the disk", {
            is: "at most",
            bound: MAX_CPU,
          }),
        );
        if (partitions < PARTITIONS.at(-1)!) continue;
        const memory = `memory, ${fixed(file.rssMiB, 0)} MiB with a log on a disk`;
        const goal = { is: "at most", bound: MAX_MEMORY_MIB } as const;
        lines.push(line("cluster", runtime, memory, found.rssMiB - file.rssMiB, "MiB more", goal));
      }
      if (replicas === 1) continue;
      doing("a sender dies");
      const takeover = await measureTakeover(host, runtime, nats.address, server.url);
      numbers.takeoverMs = takeover;
      lines.push(
        line("cluster", runtime, "a sender is killed, 3 replicas", takeover, "ms", {
          is: "at most",
          bound: MAX_TAKEOVER_MS,
        }),
      );
    }
  } finally {
    server.stop();
  }
  return { lines, numbers };
}

/** Medians of the configured number of rounds. */
async function repeated(
  { sizes, doing }: MeasureContext,
  what: string,
  run: () => Promise<Numbers>,
): Promise<Numbers> {
  const rounds: Numbers[] = [];
  for (let round = 1; round <= sizes.relayRounds; round++) {
    doing(`${what}, round ${round} of ${sizes.relayRounds}`);
    rounds.push(await run());
  }
  return Object.fromEntries(
    Object.keys(rounds[0]).map((name) => [name, median(rounds.map((one) => one[name]))]),
  );
}

/** Nodes that have just started have no leader yet, and cannot create streams. */
async function ready<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 0;; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (attempt === 20 || !/no responders|insufficient|unavailable|timeout/i.test(`${error}`)) {
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, LEADER_MS));
    }
  }
}

function keep(numbers: Record<string, number>, prefix: string, found: Numbers): void {
  for (const [name, value] of Object.entries(found)) numbers[`${prefix}.${name}`] = value;
}
