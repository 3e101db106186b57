/**
 * `npm run bench`: measures performance against baselines on the same machine.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { BenchHost, type Load } from "./bench/host.ts";
import { fixed, FULL, type Line, QUICK } from "./bench/measure.ts";
import { MEASURES } from "./bench/measures.ts";
import { openProgress } from "./bench/progress.ts";
import { table } from "./bench/table.ts";
import { type RuntimeName, runtimeNames } from "./test/runners.ts";

const HELP = `Usage: npm run bench -- [options]

Measures on each runtime, and says which goals are met:

${Object.entries(MEASURES).map(([name, { about }]) => `  ${name.padEnd(9)} ${about}\n`).join("")}
Options:
  --runtime <name>  deno, bun or node; may be repeated (default: all)
  --only <names>    a comma-separated list of the above (default: all)
  --quick           smaller runs, too short to judge the goals
  --json            one JSON value instead of a table
  --check           exit with status 1 if a goal is missed
  --help            print this help

Only the ratios are meaningful: both sides of each are measured in alternation. On a busy machine all
numbers are worse and ratios are less certain; the load is printed with them.

Exit status: 0 if everything was measured, 1 if a measurement failed, 2 for an invalid option.`;

/** A measure that failed on a runtime. */
interface Failure {
  readonly measure: string;
  readonly runtime: RuntimeName;
  readonly error: string;
}

process.exitCode = await main();

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (typeof options === "string") {
    console.error(`${options}\n\n${HELP}`);
    return 2;
  }
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  const host = new BenchHost();
  const progress = openProgress();
  const lines: Line[] = [];
  const failures: Failure[] = [];
  const numbers: Record<string, Record<string, unknown>> = {};
  const sizes = options.quick ? QUICK : FULL;
  for (const measure of options.measures) {
    for (const runtime of options.runtimes) {
      const doing = (what: string): void => progress.show(`${runtime}: ${what}`);
      try {
        const result = await MEASURES[measure].measure(runtime, { host, sizes, doing });
        lines.push(...result.lines);
        (numbers[measure] ??= {})[runtime] = result.numbers;
      } catch (error) {
        failures.push({ measure, runtime, error: (error as Error).message });
      }
    }
  }
  progress.close();
  const load = host.load();
  host.close();
  if (options.json) {
    console.log(JSON.stringify({ quick: options.quick, load, lines, numbers, failures }, null, 2));
  } else {
    console.log(table(lines));
    console.log(`\n${loadLine(load)}`);
    if (options.quick) {
      console.log("Quick run: small logs and few rounds, too short to judge the goals.");
    }
  }
  for (const { error } of failures) console.error(`failed: ${error}`);
  if (failures.length > 0) return 1;
  return options.check && lines.some(({ met }) => !met) ? 1 : 0;
}

function readOptions(args: string[]): string | {
  readonly help: boolean;
  readonly quick: boolean;
  readonly json: boolean;
  readonly check: boolean;
  readonly measures: readonly string[];
  readonly runtimes: readonly RuntimeName[];
} {
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        runtime: { type: "string", multiple: true, default: [...runtimeNames] },
        only: { type: "string", multiple: true, default: Object.keys(MEASURES) },
        quick: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        check: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    }));
  } catch (error) {
    return (error as Error).message;
  }
  const { runtime, only, ...flags } = values;
  const measures = only.flatMap((names) => names.split(","));
  const wanted = runtime.flatMap((names) => names.split(","));
  const unknown = [
    ...measures.filter((name) => !Object.hasOwn(MEASURES, name)).map((name) => `--only ${name}`),
    ...wanted.filter((name) => !(runtimeNames as readonly string[]).includes(name))
      .map((name) => `--runtime ${name}`),
  ];
  if (unknown.length > 0) return `Cannot use ${unknown.join(", ")}`;
  return { ...flags, measures, runtimes: runtimeNames.filter((name) => wanted.includes(name)) };
}

function loadLine({ cores, before, after }: Load): string {
  const text = `Load of the machine: ${fixed(before, 1)} before, ${fixed(after, 1)} after, ` +
    `on ${cores} cores`;
  return before > cores / 2
    ? `${text}. It was busy with other work: only the ratios are meaningful.`
    : `${text}.`;
}
