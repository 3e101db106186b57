/**
 * The demo: a traced program, an outage, a kill, and a count at the end.
 *
 * @module
 */

import process from "node:process";
import { hasCode } from "../../src/errors.ts";
import { type DemoOptions, HELP, parseDemoOptions } from "./demo_options.ts";
import { makeTemporaryFolder, removeFolder } from "./folders.ts";
import { closedScreen, openScreen } from "./output.ts";
import { playStory } from "./runner.ts";
import { resultJson, showResult } from "./result.ts";

/**
 * Runs the demo.
 *
 * @param args The command line: see `--help`.
 * @returns The exit status: 0 when every call that the program saw finish reached the server and
 *   the log directory is empty, 1 when not, 2 for a command line that makes no sense.
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
    () => stop.abort(new Error(`The demo ran over its time: ${options.timeoutMs / 1_000} s`)),
    options.timeoutMs,
  );
  const onInterrupt = () => stop.abort(new Error("The demo was interrupted"));
  process.once("SIGINT", onInterrupt);
  const began = performance.now();
  const screen = options.json ? closedScreen() : openScreen();
  const { colors } = screen;
  try {
    screen.line(
      `${colors.bold("weave-wal demo")}  ${
        colors.dim(
          `program on ${options.runtime} · log ${
            options.wal ? "on" : "off"
          } · seed ${options.seed}`,
        )
      }`,
    );
    screen.line(
      colors.dim(
        "A program answers questions from this project's documents. Each of its functions",
      ),
    );
    screen.line(colors.dim("is traced, and what it traces goes to a server on this machine."));
    const result = await playStory({ options, screen, folder, signal: stop.signal });
    const durationMs = Math.round(performance.now() - began);
    if (options.json) process.stdout.write(`${resultJson(options, result, durationMs)}\n`);
    else showResult(screen, options, result, durationMs);
    if (options.keep && !options.json) screen.line(`  ${colors.dim(`kept: ${folder}`)}`);
    return result.ok ? 0 : 1;
  } catch (error) {
    screen.clear();
    console.error(error instanceof Error ? error.message : error);
    return hasCode(error, "ERR_INVALID_OPTION") ? 2 : 1;
  } finally {
    clearTimeout(limit);
    process.off("SIGINT", onInterrupt);
    if (!options.keep) removeFolder(folder);
  }
}
