/**
 * Starts the processes of the benchmarks, owns their temporary folder, and reads the
 * machine load.
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
import { buildNodePrograms, type NodePrograms } from "./node_programs.ts";

/** Time limit (ms) of one program: long enough for a log of 1 GiB on a slow machine. */
const LIMIT_MS = 1_200_000;

/** The numbers that a program printed. */
export type Numbers = Readonly<Record<string, number>>;

/** A server in its own process. */
export interface ServerProcess {
  readonly url: string;
  /** Stops it. */
  stop(): void;
}

/** Load average of the last minute, as printed by `uptime`. */
export interface Load {
  readonly cores: number;
  readonly before: number;
  readonly after: number;
}

/** Starts programs and servers, and cleans up however the run ends. */
export class BenchHost {
  readonly #folder = mkdtempSync(join(tmpdir(), "weave-wal-bench-"));
  readonly #servers = new Set<ChildProcess>();
  readonly #before = loadavg()[0];
  #folders = 0;
  #nodePrograms: Promise<NodePrograms> | undefined;
  #builtPrograms: NodePrograms | undefined;

  /** Creates the folder. */
  constructor() {
    process.on("exit", () => this.close());
    for (const [signal, number] of [["SIGINT", 2], ["SIGTERM", 15], ["SIGHUP", 1]] as const) {
      process.once(signal, () => process.exit(128 + number));
    }
  }

  /** Path of a new folder that does not exist yet. */
  newFolder(): string {
    return join(this.#folder, String(++this.#folders));
  }

  /** The load of the machine at the start and now. */
  load(): Load {
    return { cores: availableParallelism(), before: this.#before, after: loadavg()[0] };
  }

  /**
   * Runs a program of `programs/` to its end and reads the line of JSON that it printed.
   *
   * Rejects with its output if it fails.
   */
  async program(
    runtime: RuntimeName,
    name: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Numbers> {
    const source = `scripts/bench/programs/${name}`;
    const { status, ending, output } = await run(...await this.command(runtime, source, args), {
      limitMs: LIMIT_MS,
      // Files of a killed program are deleted with the folder.
      env: { TMPDIR: this.#folder, ...env },
    });
    const line = output.split("\n").findLast((text) => text.startsWith("{"));
    if (status !== 0 || line === undefined) {
      throw new Error(`${name} on ${runtime}: ${ending}\n${output.trimEnd()}`);
    }
    return JSON.parse(line) as Numbers;
  }

  /** Command and arguments that run a program; `source` is its path from the project root. */
  async command(
    runtime: RuntimeName,
    source: string,
    args: readonly string[],
  ): Promise<[string, string[]]> {
    const [command, ...options] = COMMANDS[runtime];
    if (runtime !== "node") return [command, [...options, join(projectRoot, source), ...args]];
    this.#nodePrograms ??= buildNodePrograms();
    this.#builtPrograms = await this.#nodePrograms;
    return [command, [...options, this.#builtPrograms.path(source), ...args]];
  }

  /** Starts a server (on Node by default), which prints its URL as its first line. */
  async server(
    path: string,
    args: readonly string[] = [],
    runtime: RuntimeName = "node",
  ): Promise<ServerProcess> {
    const child = spawn(...await this.command(runtime, path, args), {
      cwd: projectRoot,
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#servers.add(child);
    const ended = new Promise<never>((_, reject) => {
      child.once("error", reject);
      child.once("exit", (code, signal) => {
        this.#servers.delete(child);
        reject(new Error(`${path} ended: ${signal ?? `exit status ${code}`}`));
      });
    });
    ended.catch(() => {});
    const lines = createInterface({ input: child.stdout });
    const first = new Promise<string>((resolve) => lines.once("line", resolve));
    const url = /https?:\/\/\S+/.exec(await Promise.race([first, ended]))?.[0];
    if (url === undefined) throw new Error(`${path} did not say its URL`);
    return { url, stop: () => void child.kill("SIGKILL") };
  }

  /** Stops the servers and deletes the folder. */
  close(): void {
    for (const server of this.#servers) server.kill("SIGKILL");
    this.#builtPrograms?.remove();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Garbage collection is exposed, so that a program can measure its idle memory. */
const COMMANDS: Readonly<Record<RuntimeName, readonly string[]>> = {
  deno: ["deno", "run", "-A", "--quiet", "--v8-flags=--expose-gc"],
  bun: ["bun", "--expose-gc"],
  node: ["node", "--expose-gc"],
};
