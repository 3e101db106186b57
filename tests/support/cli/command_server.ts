/**
 * Runs `weave-wal` commands for tests, one at a time in a single process: starting a
 * process per command takes ten times as long as the command itself.
 *
 * @module
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import type { WriteStream } from "node:tty";
import { createColors } from "picocolors";
import { runCommand } from "../../../src/cli/program.ts";
import type { Output } from "../../../src/cli/terminal/terminal.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";

/** A command to run. */
export interface CommandRequest {
  readonly args: readonly string[];
  readonly cwd: string;
  /** The complete environment. */
  readonly env: Readonly<Record<string, string>>;
}

let last: Promise<unknown> = Promise.resolve();

const server = createServer((request, response) => {
  let body = "";
  request.setEncoding("utf8").on("data", (text: string) => body += text);
  request.on("end", () => {
    // Working directory and environment are per process, so commands run one at a time.
    last = last.then(async () => {
      const result = await run(JSON.parse(body));
      response.writeHead(200, { Connection: "close" }).end(JSON.stringify(result));
    });
  });
});
server.listen(0, "127.0.0.1", () => {
  console.log(`listens ${(server.address() as AddressInfo).port}`);
});
// The test has ended, successfully or not.
process.stdin.on("end", () => process.exit(0)).resume();

async function run({ args, cwd, env }: CommandRequest) {
  process.chdir(cwd);
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  const printed = { out: "", err: "" };
  const code = await runCommand(args, {
    runtime: detectRuntime(),
    terminal: {
      out: outputTo((text) => printed.out += text),
      err: outputTo((text) => printed.err += text),
      ask: () => Promise.resolve(null),
    },
    stop: new AbortController().signal,
  });
  return { code, ...printed };
}

function outputTo(append: (text: string) => void): Output {
  return {
    isTerminal: false,
    columns: undefined,
    rows: undefined,
    colors: createColors(false),
    // Used only for drawing on a terminal.
    stream: process.stdout as WriteStream,
    write: (text) => Promise.resolve(append(text)),
  };
}
