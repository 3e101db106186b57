/**
 * Where the benchmarks run: their programs and servers as processes of their own, a folder for what
 * they write, and how loaded the machine is.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { projectRoot, run } from "../test/process.ts";
import type { RuntimeName } from "../test/runners.ts";

/** Ms that one program may take: a log of 1 GiB on a slow machine. */
const LIMIT_MS = 1_200_000;

/** The numbers that a program printed. */
export type Numbers = Readonly<Record<string, number>>;

/** A server in a process of its own. */
export interface ServerProcess {
  readonly url: string;
  /** Ends it. */
  stop(): void;
}

/** Load averages of the last minute, as `uptime` tells them. */
export interface Load {
  readonly cores: number;
  readonly before: number;
  readonly after: number;
}

/** Starts programs and servers, and leaves nothing behind, however the run ends. */
export class BenchHost {
  readonly #folder = mkdtempSync(join(tmpdir(), "weave-wal-bench-"));
  readonly #servers = new Set<ChildProcess>();
  readonly #before = loadavg()[0];
  #folders = 0;

  /** Makes the folder. */
  constructor() {
    process.on("exit", () => this.close());
    for (const [signal, number] of [["SIGINT", 2], ["SIGTERM", 15], ["SIGHUP", 1]] as const) {
      process.once(signal, () => process.exit(128 + number));
    }
  }

  /** A folder that nobody used before; its name alone. */
  newFolder(): string {
    return join(this.#folder, String(++this.#folders));
  }

  /** How many others use the machine. */
  load(): Load {
    return { cores: availableParallelism(), before: this.#before, after: loadavg()[0] };
  }

  /**
   * Runs a program of this folder to its end and reads the line of JSON that it printed.
   *
   * Rejects with what it said when it failed.
   */
  async program(
    runtime: RuntimeName,
    name: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Numbers> {
    const path = join(projectRoot, "scripts", "bench", name);
    const [command, ...before] = COMMANDS[runtime];
    const { status, ending, output } = await run(command, [...before, path, ...args], {
      limitMs: LIMIT_MS,
      // What a program that is killed leaves goes with the folder.
      env: { TMPDIR: this.#folder, ...env },
    });
    const line = output.split("\n").findLast((text) => text.startsWith("{"));
    if (status !== 0 || line === undefined) {
      throw new Error(`${name} on ${runtime}: ${ending}\n${output.trimEnd()}`);
    }
    return JSON.parse(line) as Numbers;
  }

  /** Starts a server, always on Node, which says its URL in its first line. */
  async server(path: string, args: readonly string[] = []): Promise<ServerProcess> {
    const [command, ...before] = COMMANDS.node;
    const child = spawn(command, [...before, join(projectRoot, path), ...args], {
      cwd: projectRoot,
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#servers.add(child);
    const gone = new Promise<never>((_, reject) => {
      child.once("error", reject);
      child.once("exit", (code, signal) => {
        this.#servers.delete(child);
        reject(new Error(`${path} ended: ${signal ?? `exit status ${code}`}`));
      });
    });
    gone.catch(() => {});
    const lines = createInterface({ input: child.stdout });
    const first = new Promise<string>((resolve) => lines.once("line", resolve));
    const url = /https?:\/\/\S+/.exec(await Promise.race([first, gone]))?.[0];
    if (url === undefined) throw new Error(`${path} did not say its URL`);
    return { url, stop: () => void child.kill("SIGKILL") };
  }

  /** Ends the servers and takes the folder away. */
  close(): void {
    for (const server of this.#servers) server.kill("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Each with the garbage collector at hand, so that a program can say what it needs when idle. */
const COMMANDS: Readonly<Record<RuntimeName, readonly string[]>> = {
  deno: ["deno", "run", "-A", "--quiet", "--v8-flags=--expose-gc"],
  bun: ["bun", "--expose-gc"],
  node: ["node", "--expose-gc", "--import", "tsx"],
};
