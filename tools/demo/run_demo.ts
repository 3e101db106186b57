/**
 * Runs the demo: a traced program, an outage and a kill, then a check that every call arrived.
 *
 * @module
 */

import process from "node:process";
import { hasCode } from "../../src/errors.ts";
import { type DemoOptions, HELP, parseDemoOptions } from "./demo_options.ts";
import { makeTemporaryFolder, removeFolder } from "./folders.ts";
import { openOutput, silentOutput } from "./output.ts";
import { runScenario } from "./runner.ts";
import { resultJson, showResult } from "./result.ts";

/**
 * Runs the demo.
 *
 * @param args Command-line arguments; see `--help`.
 * @returns Exit status: 0 if every call that the program saw finish has reached the server and the
 *   log directory is empty, 1 if not, 2 for an invalid command line.
 */
export async function runDemo(args: string[]): Promise<number> {
  let options: DemoOptions;
  try {
    options = parseDemoOptions(args);
  } catch (error) {
    console.error(`${(error as Error).message}; see --help`);
    return 2;
  }
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  const folder = makeTemporaryFolder();
  const stop = new AbortController();
  const limit = setTimeout(
    () => stop.abort(new Error(`The demo exceeded its time limit: ${options.timeoutMs / 1_000} s`)),
    options.timeoutMs,
  );
  const onInterrupt = () => stop.abort(new Error("The demo was interrupted"));
  process.once("SIGINT", onInterrupt);
  const began = performance.now();
  const output = options.json ? silentOutput() : openOutput();
  const { colors } = output;
  try {
    output.line(
      `${colors.bold("weave-wal demo")}  ${
        colors.dim(
          `program on ${options.runtime} · log ${
            options.wal ? "on" : "off"
          } · seed ${options.seed}`,
        )
      }`,
    );
    output.line(
      colors.dim(
        "A program answers questions from this project's documentation. Its functions are",
      ),
    );
    output.line(colors.dim("traced to a mock server on this machine."));
    const result = await runScenario({ options, output, folder, signal: stop.signal });
    const durationMs = Math.round(performance.now() - began);
    if (options.json) process.stdout.write(`${resultJson(options, result, durationMs)}\n`);
    else showResult(output, options, result, durationMs);
    if (options.keep && !options.json) output.line(`  ${colors.dim(`kept: ${folder}`)}`);
    return result.ok ? 0 : 1;
  } catch (error) {
    output.clear();
    console.error(error instanceof Error ? error.message : error);
    return hasCode(error, "ERR_INVALID_OPTION") ? 2 : 1;
  } finally {
    clearTimeout(limit);
    process.off("SIGINT", onInterrupt);
    if (!options.keep) removeFolder(folder);
  }
}
