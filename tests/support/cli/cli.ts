/**
 * Runs `weave-wal` commands in one child process shared by all tests of a file. Tests
 * that need the process itself (signals, terminals, exit) use `startCli`.
 *
 * @module
 */

import { spawn } from "node:child_process";
import process from "node:process";
import {
  cleanEnvironment,
  type Finished,
  programCommand,
  root,
  type Surroundings,
} from "./cli_support.ts";
import type { CommandRequest } from "./command_server.ts";

/** Timeout of a command, ms. */
const END_MS = 90_000;

/** Started before the first test: resources started within a test must end with it. */
const url = await startServer();

/** Runs `weave-wal` to its end. */
export async function cli(args: readonly string[], surroundings: Surroundings): Promise<Finished> {
  const { cwd } = surroundings;
  const request: CommandRequest = { args, cwd, env: cleanEnvironment(surroundings) };
  const controller = new AbortController();
  const limit = setTimeout(() => controller.abort(), END_MS);
  try {
    const response = await fetch(url, {
      method: "POST",
      body: JSON.stringify(request),
      headers: { Connection: "close" },
      signal: controller.signal,
    });
    return await response.json();
  } finally {
    clearTimeout(limit);
  }
}

async function startServer(): Promise<string> {
  const [command, ...args] = programCommand("tests/support/cli/command_server.ts", true);
  const child = spawn(command, args, { cwd: root, stdio: ["pipe", "pipe", "inherit"] });
  process.once("exit", () => child.kill("SIGKILL"));
  let printed = "";
  const port = await new Promise<string>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`The command server ended: ${code}`)));
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
      const found = /^listens (\d+)\n/m.exec(printed);
      if (found) resolve(found[1]);
    });
  });
  child.removeAllListeners("exit");
  child.stdout.destroy();
  child.unref();
  return `http://127.0.0.1:${port}`;
}
