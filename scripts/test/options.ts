/**
 * Options of the test command.
 *
 * @module
 */

import process from "node:process";
import { Command, InvalidArgumentError, Option } from "commander";
import { parseCount } from "../../src/cli/terminal/arguments.ts";
import { type RuntimeName, runtimeNames } from "./runners.ts";

/** What to run, and within which limits. */
export interface TestOptions {
  /** Select files whose path contains one of them; empty for all files. */
  readonly words: readonly string[];
  readonly runtime: readonly RuntimeName[];
  readonly check: boolean;
  readonly all: boolean;
  readonly onlyLong: boolean;
  /** Part of the titles of the tests to run. */
  readonly name?: string;
  readonly jobs?: number;
  /** Seconds that one file may take. */
  readonly limit: number;
  /** Minutes for the whole run. */
  readonly budget?: number;
}

/** Reads the options; ends the process after a help text or an invalid option. */
export function readTestOptions(): TestOptions {
  const command = new Command("npm test --")
    .description(
      "Runs the tests: every file in its own process, on each runtime.\n" +
        "Exit status 1 if a test fails, 2 for an invalid option.",
    )
    .argument("[words...]", "only files whose path contains one of them")
    .addOption(
      new Option("--runtime <name>", "a runtime; may be repeated").argParser(parseRuntimes)
        .default(runtimeNames, "all"),
    )
    .option("--name <text>", "only tests whose title contains this text")
    .option("--check", "first the checks of `npm run check` (not with words or --name)", false)
    .option("--all", "also the long part: tests/long, conformance", false)
    .option("--only-long", "only the long part", false)
    .option("--jobs <n>", "files at once (default: until no core is idle)", parsePositive)
    .option("--limit <s>", "seconds that one file may take", parsePositive, 300)
    .option("--budget <min>", "minutes for the whole run (default: no limit)", parsePositive)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
    .parse();
  return { ...command.opts<Omit<TestOptions, "words">>(), words: command.args };
}

function parseRuntimes(text: string, previous: readonly RuntimeName[]): RuntimeName[] {
  const name = runtimeNames.find((name) => name === text);
  if (name === undefined) {
    throw new InvalidArgumentError(`Known runtimes: ${runtimeNames.join(", ")}.`);
  }
  return previous === runtimeNames ? [name] : [...previous, name];
}

function parsePositive(text: string): number {
  const count = parseCount(text);
  if (count === 0) throw new InvalidArgumentError("It must be at least 1.");
  return count;
}
