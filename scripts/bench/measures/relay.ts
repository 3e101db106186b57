/**
 * A relay with group commit in front of the mock server, compared with the mock server
 * itself.
 *
 * @module
 */

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

/** The measurement for `--only relay`. */
export const relay: Measure = {
  about: "requests to a relay, with a data sync before each response, against the mock server",
  measure,
};

/** Number of connections, and the minimum rate of a relay relative to the mock server. */
const LOADS: readonly (readonly [connections: number, share: number])[] = [
  [1, 0.1],
  [50, 0.25],
  [500, 0.25],
];
/** Maximum growth of a relay's memory after it has seen every load, MiB. */
const MAX_GROWTH_MIB = 32;

async function measure(runtime: RuntimeName, context: MeasureContext): Promise<Result> {
  const { host, sizes, doing } = context;
  const server = await host.server("scripts/mock.ts", ["--port", "0", "--lean", "--quiet"]);
  const lines: Line[] = [];
  const numbers: Record<string, number> = {};
  const tested = await host.server(
    "scripts/bench/servers/relay_server.ts",
    [server.url, host.newFolder()],
    runtime,
  );
  try {
    const load = (url: string, connections: number): Promise<Numbers> =>
      host.program("node", "relay_load.ts", [url, `${connections}`, `${sizes.latencySeconds}`]);
    doing("warming up");
    for (const [connections] of LOADS) await load(tested.url, connections);
    const before = await memory(tested.url);
    for (const [connections, share] of LOADS) {
      const runs: { relay: Numbers; mock: Numbers }[] = [];
      for (let round = 1; round <= sizes.relayRounds; round++) {
        doing(`${connections} connections, round ${round} of ${sizes.relayRounds}`);
        const mock = await load(server.url, connections);
        runs.push({ mock, relay: await load(tested.url, connections) });
      }
      const of = (which: "relay" | "mock", number: string): number =>
        median(runs.map((run) => run[which][number]));
      const ratio = median(runs.map(({ relay, mock }) => relay.perSecond / mock.perSecond));
      const seen = `${connections} connection${connections === 1 ? "" : "s"}: ${
        count(of("relay", "perSecond"))
      }/s, p99 ${fixed(of("relay", "p99Ms"), 1)} ms; mock server ${
        count(of("mock", "perSecond"))
      }/s, p99 ${fixed(of("mock", "p99Ms"), 1)} ms`;
      lines.push(line("relay", runtime, seen, ratio, "× mock server", {
        is: "at least",
        bound: share,
      }));
      Object.assign(numbers, {
        [`perSecond${connections}`]: of("relay", "perSecond"),
        [`p99Ms${connections}`]: of("relay", "p99Ms"),
        [`mockPerSecond${connections}`]: of("mock", "perSecond"),
        [`mockP99Ms${connections}`]: of("mock", "p99Ms"),
      });
    }
    // Lets the sender catch up, and garbage be collected.
    await load(tested.url, 1);
    const growth = await memory(tested.url) - before;
    const seen = `memory after the run, ${fixed(before, 0)} MiB after warming up`;
    const goal = { is: "at most", bound: MAX_GROWTH_MIB } as const;
    lines.push(line("relay", runtime, seen, growth, "MiB more", goal));
    numbers.growthMiB = growth;
  } finally {
    tested.stop();
    server.stop();
  }
  return { lines, numbers };
}

/** Memory of a relay's process, MiB. */
async function memory(url: string): Promise<number> {
  const { rss } = await (await fetch(`${url}/bench/memory`)).json() as { rss: number };
  return rss / 1024 ** 2;
}
