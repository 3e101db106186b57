/**
 * Command-line options of the demo.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { WeaveWalError } from "../../src/errors.ts";
import { type DemoRuntime, ownRuntime, RUNTIMES } from "./runtimes.ts";

/** Options of the demo. */
export interface DemoOptions {
  /** The runtime of the traced program. */
  readonly runtime: DemoRuntime;
  /** Determines when the outage and the kill happen. */
  readonly seed: number;
  /** Whether the program uses the log. */
  readonly wal: boolean;
  /** Whether only the result is printed, as JSON. */
  readonly json: boolean;
  /** Whether the temporary directory is kept. */
  readonly keep: boolean;
  readonly help: boolean;
  /** Delay (ms) before each question; `null` for the default of the output. */
  readonly paceMs: number | null;
  /** Time limit in ms. */
  readonly timeoutMs: number;
}

/** Text of `--help`. */
export const HELP = `Usage: weave-wal demo [options]        npm run demo -- [options]  in a checkout

Traces a program that answers questions from this project's documentation, against a mock Weave
server. The server goes down, the program is killed with SIGKILL, and both are started again. The
demo then checks that every call that the program saw finish has reached the server.

Options:
  --runtime <name>  runtime of the traced program: deno, bun or node (default: that of the demo)
  --seed <number>   determines when the outage and the kill happen (default: random)
  --no-wal          trace without the log, to see what is lost
  --json            print the result as JSON
  --keep            keep the temporary directory with the log and the index
  --pace <ms>       delay before each question (default: 250 in a terminal, otherwise 0)
  --timeout <s>     time limit in seconds (default: 120)
  --help            print this help

Exit status: 0 if every call arrived and the log is empty, 1 if not, 2 for an invalid option.`;

/**
 * Parses the command line.
 *
 * @throws {WeaveWalError} `ERR_INVALID_OPTION` for an unknown option or an invalid value.
 */
export function parseDemoOptions(args: readonly string[]): DemoOptions {
  const { values } = parsed(args);
  const runtime = values.runtime ?? ownRuntime();
  const known = RUNTIMES.find((name) => name === runtime);
  if (!known) throw wrong("--runtime", runtime, `one of ${RUNTIMES.join(", ")}`);
  return {
    runtime: known,
    seed: wholeNumber("--seed", values.seed) ?? Math.floor(Math.random() * 1_000_000),
    wal: !values["no-wal"],
    json: values.json ?? false,
    keep: values.keep ?? false,
    help: values.help ?? false,
    paceMs: wholeNumber("--pace", values.pace) ?? null,
    timeoutMs: (wholeNumber("--timeout", values.timeout) ?? 120) * 1_000,
  };
}

interface Values {
  runtime?: string;
  seed?: string;
  "no-wal"?: boolean;
  json?: boolean;
  keep?: boolean;
  pace?: string;
  timeout?: string;
  help?: boolean;
}

function parsed(args: readonly string[]): { values: Values } {
  try {
    return parseArgs({
      args: [...args],
      options: {
        runtime: { type: "string" },
        seed: { type: "string" },
        "no-wal": { type: "boolean" },
        json: { type: "boolean" },
        keep: { type: "boolean" },
        pace: { type: "string" },
        timeout: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    const { message } = error as Error;
    throw new WeaveWalError("ERR_INVALID_OPTION", `Cannot read the command line: ${message}`);
  }
}

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw wrong(name, text, "a whole number");
  return Number(text);
}

function wrong(name: string, value: string, want: string): WeaveWalError {
  return new WeaveWalError(
    "ERR_INVALID_OPTION",
    `Cannot use ${name}: ${JSON.stringify(value)} is not ${want}`,
  );
}
