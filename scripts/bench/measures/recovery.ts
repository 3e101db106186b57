/**
 * Recovery of dead processes' segments, and its effect on the host.
 *
 * @module
 */

import type { RuntimeName } from "../../test/runners.ts";
import {
  count,
  fixed,
  type Line,
  line,
  type Measure,
  type MeasureContext,
  type Result,
} from "../measure.ts";

/** The measurement for `--only recovery`. */
export const recovery: Measure = {
  about: "sending what dead processes left, and what the host feels of it",
  measure,
};

async function measure(runtime: RuntimeName, context: MeasureContext): Promise<Result> {
  const { host, sizes, doing } = context;
  const server = await host.server("scripts/bench/servers/counter.ts");
  const lines: Line[] = [];
  const all: Record<string, number> = {};
  try {
    for (const processes of sizes.deadProcesses) {
      const directory = host.newFolder();
      doing(`writing what ${count(processes)} processes left`);
      await host.program("node", "write_orphans.ts", [directory, server.url, String(processes)]);
      doing(`recovering what ${count(processes)} processes left`);
      const args = [server.url, directory, String(processes)];
      const numbers = await host.program(runtime, "recovery.ts", args);
      for (const [name, value] of Object.entries(numbers)) all[`${name}${processes}`] = value;
      const { initMs, firstCallMs, totalMs, longestGapMs, requests, operationsPerSegment } =
        numbers;
      const of = `${count(processes)} processes: init ${fixed(initMs, 0)} ms, first call ${
        fixed(firstCallMs, 1)
      } ms, ${count(requests)} requests, ${fixed(operationsPerSegment, 1)} operations a segment`;
      lines.push(
        line("recovery", runtime, of, totalMs / 1_000, "s", {
          is: "at most",
          bound: Math.max(1, 15 * processes / 10_000),
        }),
        line(
          "recovery",
          runtime,
          `${count(processes)} processes: longest gap`,
          longestGapMs,
          "ms",
          {
            is: "at most",
            bound: 50,
          },
        ),
      );
    }
    return { lines, numbers: all };
  } finally {
    server.stop();
  }
}
