/**
 * The options of the demo's command line.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { WeaveWalError } from "../../src/errors.ts";
import { type DemoRuntime, ownRuntime, RUNTIMES } from "./runtimes.ts";

/** What the demo is asked to do. */
export interface DemoOptions {
  /** The runtime of the traced program. */
  readonly runtime: DemoRuntime;
  /** Chooses the moments of the outage and of the kill. */
  readonly seed: number;
  /** Whether the program logs what it traces. */
  readonly wal: boolean;
  /** Whether the result is printed as JSON, and nothing else. */
  readonly json: boolean;
  /** Whether the temporary directory stays. */
  readonly keep: boolean;
  readonly help: boolean;
  /** Ms of rest before each question, so that people can follow; `null`: as the screen likes it. */
  readonly paceMs: number | null;
  /** Ms after which the demo gives up. */
  readonly timeoutMs: number;
}

/** What `--help` prints. */
export const HELP = `Usage: weave-wal demo [options]        npm run demo -- [options]  in a checkout

Traces a program that answers questions from this project's own documentation, against a mock
Weave server. In the middle the server goes down and the program is killed with SIGKILL; then both
come back. Shows that every call that the program saw finish reached the server.

Options:
  --runtime <name>  What runs the traced program: deno, bun or node (what runs the demo)
  --seed <number>   Chooses when the server goes down and when the kill falls (random)
  --no-wal          Traces without the log, to see what is lost then
  --json            Prints the result as JSON
  --keep            Keeps the temporary directory with the log and the index
  --pace <ms>       Rest before each question (250 in a terminal, else 0)
  --timeout <s>     Seconds after which the demo gives up (120)
  --help            Prints this

Exit status: 0 when every call arrived and the log is empty, 1 when not, 2 for a wrong option.`;

/**
 * Reads the command line.
 *
 * @throws {WeaveWalError} `ERR_INVALID_OPTION` for what it does not know.
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
