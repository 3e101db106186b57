/**
 * The mock server as a command.
 *
 * @module
 */

import { parseArgs } from "node:util";
import process from "node:process";
import { WeaveWalError } from "../../src/errors.ts";
import type { JournalEntry } from "./store/request_log.ts";
import type { CallMode } from "./options.ts";
import { type MockServer, startMockServer, type StartOptions } from "./serve.ts";

const HELP = `Runs a mock Weave trace server on this machine.

Usage: weave-wal mock [options]

  --port <number>   port to listen on, 0 for a free one (default 8787)
  --host <address>  address to listen on (default 127.0.0.1)
  --mode <mode>     calls APIs: old (v1 only), new (both) or complete (v2 only) (default new)
  --key <key>       accept only this API key (default: any key)
  --lean            store only IDs and counts, for load tests
  --quiet           do not print requests
  -h, --help        print this help

Controls while it runs: GET /__mock/state, /__mock/calls, /__mock/journal;
POST /__mock/faults {"path":"/call/upsert_batch","times":3,"status":503}; DELETE /__mock/faults;
POST /__mock/behavior {"callMode":"old"}; POST /__mock/merge; POST /__mock/reset.`;

const MODES: readonly string[] = ["old", "new", "complete"] satisfies CallMode[];

/** Terminal functions that the command needs. */
export interface MockTerminal {
  /** Prints one line. */
  print(line: string): void;
  /** Prints one line of an error. */
  printError(line: string): void;
  /** Whether lines may contain colors. */
  readonly colors: boolean;
  /** Settles when the user stops the server. */
  interrupted(): Promise<void>;
}

/**
 * Runs the mock server until the terminal is interrupted.
 *
 * @param args Arguments after the name of the command.
 * @param terminal The output (default: that of the process).
 * @returns Exit status: 0, or 2 for invalid arguments or an unavailable port.
 */
export async function runMock(
  args: readonly string[],
  terminal: MockTerminal = processTerminal(),
): Promise<number> {
  let mock: MockServer;
  let key: string | undefined;
  try {
    const options = optionsOf(args, terminal);
    if (options === null) {
      terminal.print(HELP);
      return 0;
    }
    key = options.apiKey ?? undefined;
    mock = await startMockServer(options);
  } catch (error) {
    if (!(error instanceof WeaveWalError)) throw error;
    const wayOut = error.cause === undefined ? "See --help" : "Use another --host or --port";
    terminal.printError(`${error.message}\n${wayOut}`);
    return 2;
  }
  const paint = painter(terminal.colors);
  terminal.print(`Mock Weave trace server: ${paint("cyan", mock.url)}`);
  terminal.print(`WF_TRACE_SERVER_URL=${mock.url} WANDB_API_KEY=${key ?? "anything"}`);
  terminal.print(paint("dim", `State: ${mock.url}/__mock/state · Stop: Ctrl-C`));
  await terminal.interrupted();
  await mock.stop();
  const requests = counted(mock.journal.total, "request");
  terminal.print(`Stopped: ${requests}, ${counted(mock.store.callCount(), "call")}`);
  return 0;
}

/** Parses the arguments; `null` for `--help`. */
function optionsOf(args: readonly string[], terminal: MockTerminal): StartOptions | null {
  const values = parse(args);
  if (values.help) return null;
  const port = Number(values.port);
  if (!/^\d+$/.test(values.port) || port > 65_535) {
    throw new WeaveWalError("ERR_INVALID_OPTION", `Cannot use --port: ${values.port}`);
  }
  if (!MODES.includes(values.mode)) {
    throw new WeaveWalError(
      "ERR_INVALID_OPTION",
      `Cannot use --mode: ${values.mode} (one of: ${MODES.join(", ")})`,
    );
  }
  const paint = painter(terminal.colors);
  return {
    port,
    hostname: values.host,
    callMode: values.mode as CallMode,
    apiKey: values.key ?? null,
    anyIds: false,
    keepBodies: !values.lean,
    keepAlive: true,
    onRequest: values.quiet ? undefined : (entry) => terminal.print(requestLine(entry, paint)),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        port: { type: "string", default: "8787" },
        host: { type: "string", default: "127.0.0.1" },
        mode: { type: "string", default: "new" },
        key: { type: "string" },
        lean: { type: "boolean", default: false },
        quiet: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values as {
      port: string;
      host: string;
      mode: string;
      key?: string;
      lean: boolean;
      quiet: boolean;
      help: boolean;
    };
  } catch (error) {
    throw new WeaveWalError("ERR_INVALID_OPTION", `Cannot read arguments: ${messageOf(error)}`);
  }
}

function counted(count: number, one: string): string {
  return `${count} ${count === 1 ? one : `${one}s`}`;
}

type Paint = (color: "cyan" | "dim" | "green" | "red" | "yellow", text: string) => string;

function painter(colors: boolean): Paint {
  const codes = { dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 };
  return (color, text) => colors ? `\x1b[${codes[color]}m${text}\x1b[0m` : text;
}

/** Formats a request as one line. */
function requestLine(entry: JournalEntry, paint: Paint): string {
  const { status } = entry;
  const color = status === null || status >= 500 ? "red" : status >= 400 ? "yellow" : "green";
  const facts = [
    entry.items > 0 ? counted(entry.items, "item") : "",
    entry.bytes > 0 ? sizeOf(entry.bytes) : "",
    `${entry.duration} ms`,
    entry.fault === null ? "" : `fault: ${entry.fault}`,
  ];
  const time = new Date(entry.at).toTimeString().slice(0, 8);
  const request = `${entry.method.padEnd(4)} ${entry.path}`;
  const rest = facts.filter(Boolean).join(" · ");
  return `${paint("dim", time)} ${paint(color, `${status ?? "---"}`)} ${request}  ${
    paint("dim", rest)
  }`;
}

function sizeOf(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const kibibytes = bytes / 1024;
  return kibibytes < 1024 ? `${kibibytes.toFixed(1)} KiB` : `${(kibibytes / 1024).toFixed(1)} MiB`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.split(". ")[0] : String(error);
}

function processTerminal(): MockTerminal {
  return {
    print: (line) => console.log(line),
    printError: (line) => console.error(line),
    colors: process.stdout.isTTY === true && !process.env.NO_COLOR,
    interrupted: () =>
      new Promise((resolve) => {
        process.once("SIGINT", () => resolve());
        process.once("SIGTERM", () => resolve());
      }),
  };
}
