/**
 * Recovery of dead processes' segments, its effect on the host, and the cost of many living
 * processes in one directory.
 *
 * @module
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildJavaScript } from "../../build/javascript.ts";
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
import { measureCommands } from "./commands.ts";
import { measureNeighbors } from "./neighbors.ts";

/** The measurement for `--only recovery`. */
export const recovery: Measure = {
  about: "sending the records of dead processes, beside a program; many running processes",
  measure,
};

/** Ms that the slow server takes for an answer. */
const SLOW_MS = 100;

async function measure(runtime: RuntimeName, context: MeasureContext): Promise<Result> {
  const { host, doing } = context;
  doing("building the package");
  const built = host.newFolder();
  await buildJavaScript(built);
  // As in the published package, whose files are ES modules.
  writeFileSync(join(built, "package.json"), '{"type":"module"}');
  const dead = await measureRecovery(runtime, context, built);
  const commands = await measureCommands(runtime, context, built);
  const living = await measureNeighbors(runtime, context);
  return {
    lines: [...dead.lines, ...commands.lines, ...living.lines],
    numbers: { ...dead.numbers, ...commands.numbers, ...living.numbers },
  };
}

async function measureRecovery(
  runtime: RuntimeName,
  { host, sizes, doing }: MeasureContext,
  built: string,
): Promise<Result> {
  const lines: Line[] = [];
  const numbers: Record<string, number> = {};
  const recover = async (processes: number, delayMs: number, round: number) => {
    const server = await host.server("scripts/bench/servers/counter.ts", [String(delayMs)]);
    try {
      const directory = host.newFolder();
      const what = `what ${count(processes)} processes left, round ${round}`;
      doing(`writing ${what}`);
      await host.program("node", "write_orphans.ts", [directory, server.url, String(processes)]);
      doing(`recovering ${what}`);
      const module = pathToFileURL(join(built, "mod.js")).href;
      const args = [module, server.url, directory, String(processes)];
      return await host.program(runtime, "recovery.ts", args);
    } finally {
      server.stop();
    }
  };
  const add = (seen: string, value: number, unit: string, bound: number): void =>
    void lines.push(line("recovery", runtime, seen, value, unit, { is: "at most", bound }));
  const largest = Math.max(...sizes.deadProcesses);
  // What the program does beside the recovery.
  const own = (await recover(0, 0, 1)).operations;
  const operations: number[] = [];
  for (const processes of sizes.deadProcesses) {
    const rounds: Numbers[] = [];
    for (let round = 1; round <= sizes.recoveryRounds; round++) {
      rounds.push(await recover(processes, 0, round));
    }
    const medianOf = (name: string): number => median(rounds.map((round) => round[name]));
    for (const name of Object.keys(rounds[0])) numbers[`${name}${processes}`] = medianOf(name);
    const longest = Math.max(...rounds.map(({ longestGapMs }) => longestGapMs));
    numbers[`longestGapMs${processes}`] = longest;
    const of = `${count(processes)} dead processes`;
    add(`${of}: init`, medianOf("initMs"), "ms", 50);
    add(`${of}: first traced call`, medianOf("firstCallMs"), "ms", 5);
    add(`${of}: longest gap`, longest, "ms", 50);
    // Fewer segments take too little time for a thousand measurements.
    if (processes === largest) add(`${of}: gap, p99.9`, medianOf("gap999Ms"), "ms", 25);
    const seconds = medianOf("totalMs") / 1_000;
    const each = (medianOf("operations") - own) / processes;
    add(
      `${of}: ${fixed(each, 1)} operations a segment`,
      seconds,
      "s",
      Math.max(1, 15 * processes / 10_000),
    );
    add(`${of}: requests`, medianOf("requests"), "requests", Math.max(20, processes / 100));
    numbers[`operationsPerSegment${processes}`] = each;
    operations.push(each);
  }
  const ratio = Math.max(...operations) / Math.min(...operations);
  add("operations a segment, most against fewest", ratio, "×", 1.1);
  const slow = await recover(largest, SLOW_MS, 1);
  numbers.slowTotalMs = slow.totalMs;
  const seen = `${count(largest)} dead processes, server takes ${SLOW_MS} ms`;
  add(seen, slow.totalMs / 1_000, "s", 20);
  return { lines, numbers };
}
