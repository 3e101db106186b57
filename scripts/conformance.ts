/**
 * Tests the project against the vendor's own trace server code, on embedded ClickHouse.
 *
 * ```sh
 * npm run conformance                                  # everything, on Deno, Bun and Node
 * npm run conformance -- --only writes --runtime bun   # one scenario on one runtime
 * ```
 *
 * The Python packages are installed into a cache folder outside the checkout (1.5 GB, once). If
 * Python or its packages are unavailable, the suite prints a line that begins with `SKIPPED` and
 * exits with status 0, unless `--require` is given.
 *
 * @module
 */

import process from "node:process";
import { Command, Option } from "commander";
import { parseDuration } from "../src/cli/terminal/arguments.ts";
import { defaultCache, PackagesUnavailable, preparePackages } from "./conformance/packages.ts";
import { Reader } from "./conformance/reader.ts";
import { messageOf, reportOf } from "./conformance/report.ts";
import type { Bench } from "./conformance/scenario.ts";
import { scenarios } from "./conformance/scenarios/all.ts";
import { execute, executeAll, isFailed, labelOf, planRuns, type Run } from "./conformance/suite.ts";
import { TraceServer } from "./conformance/trace_server.ts";
import { type RuntimeName, runtimeNames } from "./test/runners.ts";

const names = scenarios.map(({ name }) => name);
const list = scenarios.map(({ name, title }) => `  ${name.padEnd(14)}${title}`).join("\n");
const options = new Command("npm run conformance --")
  .description(
    "Runs the client, the demo and the official SDK against the vendor's trace server code, and\n" +
      "compares what the server holds with what was written.\n\n" + `Scenarios:\n${list}\n\n` +
      "Exit status 1 if a comparison fails, 2 for an invalid option. With CI in the environment, up to\n" +
      "three that fail run once more at the end, and are listed as flaky if they pass then.",
  )
  .addOption(
    new Option("--only <names...>", "run these scenarios").choices(names).default([], "all"),
  )
  .addOption(
    new Option("--runtime <names...>", "runtimes of the programs").choices(runtimeNames)
      .default(runtimeNames, "all"),
  )
  .option("--cache <folder>", "folder of the Python packages", defaultCache)
  .option(
    "--quick",
    "all but the slowest on the first runtime, only the essential ones on the others",
  )
  .option(
    "--limit <time>",
    "start no scenario after this long, including the installation",
    parseDuration,
  )
  .option("--require", "fail if the Python packages cannot be installed")
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse()
  .opts<{
    only: string[];
    runtime: RuntimeName[];
    cache: string;
    quick?: boolean;
    limit?: number;
    require?: boolean;
  }>();

const started = performance.now();
process.exitCode = await main();

async function main(): Promise<number> {
  try {
    const packages = await preparePackages(options.cache, say, timeLeft());
    say("starting the trace server");
    await using server = await available(TraceServer.start(packages.server));
    await using reader = await available(Reader.start(packages.client, server.url));
    const bench: Bench = { server, reader, python: packages.client };
    return await runAll(bench, planRuns(scenarios, options));
  } catch (error) {
    if (!(error instanceof PackagesUnavailable)) throw error;
    console.log(`SKIPPED: npm run conformance: ${error.message.replaceAll(":", ",")}`);
    return options.require ? 1 : 0;
  }
}

async function runAll(bench: Bench, runs: readonly Run[]): Promise<number> {
  let done = 0;
  const outcomes = await executeAll(
    runs,
    async (run) => timeLeft() > 0 ? await execute(bench, run, timeLeft()) : null,
    {
      // As in the tests: a run that fails intermittently is listed, and does not block
      // unrelated work.
      again: Boolean(process.env.CI),
      onOutcome: (outcome, again) => {
        const count = again ? "again" : `${++done}/${runs.length}`;
        const result = isFailed(outcome) ? "FAILED" : "ok";
        say(`${count} ${labelOf(outcome)}: ${result} in ${(outcome.ms / 1000).toFixed(1)} s`);
        if (isFailed(outcome)) console.log(`${messageOf(outcome.error)}\n`);
      },
    },
  );
  const { text, exitStatus } = reportOf(runs, outcomes);
  console.log(text);
  return exitStatus;
}

/** Starts a program of the vendor, whose native parts do not run on every machine. */
async function available<Program>(start: Promise<Program>): Promise<Program> {
  try {
    return await start;
  } catch (error) {
    throw new PackagesUnavailable(`the Python programs do not start\n${messageOf(error)}`);
  }
}

/** Ms until the time limit. */
function timeLeft(): number {
  return (options.limit ?? Infinity) - (performance.now() - started);
}

function say(text: string): void {
  console.log(`[${((performance.now() - started) / 1000).toFixed(0)} s] ${text}`);
}
