/**
 * Runs the real command in a child process, on the runtime of the test.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { join } from "@std/path";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { bundled } from "../bundle.ts";

/** The project root. */
export const root: string = fileURLToPath(new URL("../../..", import.meta.url));
const runtimeName = detectRuntime().name;

/** Command and arguments that run a TypeScript program of the project on this runtime. */
export function programCommand(
  file: string,
  hasCommonJs: boolean = file.startsWith("src/cli/"),
): readonly string[] {
  if (runtimeName === "node") return [process.execPath, bundled(file, hasCommonJs)];
  const options = runtimeName === "deno" ? ["run", "-A", "--no-check"] : [];
  return [process.execPath, ...options, projectPath(file)];
}

/** Path of a file of the project. */
export function projectPath(relative: string): string {
  return join(root, relative);
}

/** Output and exit code of a command. */
export interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A running program. */
export interface Running {
  readonly pid: number;
  /** Its output so far. */
  readonly out: () => string;
  readonly err: () => string;
  /** Resolves once its output contains `text`; rejects if it exits first. */
  sees(text: string): Promise<void>;
  /** Resolves when it prints the next byte or exits. */
  prints(): Promise<void>;
  kill(signal: "SIGINT" | "SIGTERM" | "SIGKILL"): void;
  /** Resolves when it has exited. */
  readonly ended: Promise<Finished>;
  /** Types into it. */
  type(text: string): void;
  /** Stops reading its output. */
  closeOutput(): void;
}

/** Environment of a program. */
export interface Surroundings {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Ms within which a program must print the awaited text. */
const SEE_MS = 60_000;

/** Starts a TypeScript program of the project. */
export function startProgram(
  file: string,
  args: readonly string[],
  surroundings: Surroundings,
): Running {
  const [command, ...own] = programCommand(file);
  return startProcess(command, [...own, ...args], surroundings);
}

/** Starts a process in a clean environment. */
export function startProcess(
  command: string,
  args: readonly string[],
  surroundings: Surroundings,
): Running {
  const child = spawn(command, [...args], {
    cwd: surroundings.cwd,
    env: cleanEnvironment(surroundings),
    stdio: ["pipe", "pipe", "pipe"],
  });
  return follow(child);
}

/** An environment without the variables of this machine that could affect a command. */
export function cleanEnvironment({ cwd, env }: Surroundings): Record<string, string> {
  const inherited = ["PATH", "DENO_DIR", "LANG", "TMPDIR"].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  return {
    // Deno keeps compiled code there; in an empty home it would compile everything again.
    DENO_DIR: join(process.env.HOME ?? cwd, ".cache/deno"),
    ...Object.fromEntries(inherited),
    HOME: cwd,
    WEAVE_WAL_DIR: join(cwd, "wal"),
    ...env,
  };
}

/** Running programs, which must not outlive a failed test. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

function follow(child: ChildProcess): Running {
  running.add(child);
  const text = { out: "", err: "" };
  const watchers = new Set<() => void>();
  const tell = () => {
    for (const watcher of [...watchers]) watcher();
  };
  for (const [name, stream] of [["out", child.stdout!], ["err", child.stderr!]] as const) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text[name] += chunk;
      tell();
    });
  }
  let over = false;
  const ended = new Promise<Finished>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      over = true;
      running.delete(child);
      resolve({ code, ...text });
      tell();
    });
  });
  return {
    pid: child.pid!,
    out: () => text.out,
    err: () => text.err,
    ended,
    sees: (wanted) =>
      new Promise((resolve, reject) => {
        const fail = (how: string) =>
          reject(new Error(`${how} without ${JSON.stringify(wanted)}: ${text.out}${text.err}`));
        const limit = setTimeout(() => {
          watchers.delete(look);
          fail(`Ran for ${SEE_MS} ms`);
        }, SEE_MS);
        const look = () => {
          const found = text.out.includes(wanted) || text.err.includes(wanted);
          if (!found && !over) return;
          watchers.delete(look);
          clearTimeout(limit);
          if (found) resolve();
          else fail("Ended");
        };
        watchers.add(look);
        look();
      }),
    prints: () =>
      new Promise((resolve) => {
        const look = () => {
          watchers.delete(look);
          resolve();
        };
        if (over) resolve();
        else watchers.add(look);
      }),
    kill(signal) {
      // The PID of a child that has exited may have been reused.
      if (child.exitCode !== null || child.signalCode !== null) return;
      // Deno reports no exit code for a child that was signaled through its handle.
      process.kill(child.pid!, signal);
    },
    type: (input) => void child.stdin!.write(input),
    closeOutput: () => void child.stdout!.destroy(),
  };
}

/** Starts `weave-wal`. */
export function startCli(args: readonly string[], surroundings: Surroundings): Running {
  return startProgram("src/cli/main.ts", args, surroundings);
}

/** Timeout of a command, ms. */
const END_MS = 90_000;

/** Runs `weave-wal` to its end in its own process; most tests need only `cli` of `cli.ts`. */
export async function cliProcess(
  args: readonly string[],
  surroundings: Surroundings,
): Promise<Finished> {
  const command = startCli(args, surroundings);
  let isLate = false;
  const limit = setTimeout(() => {
    isLate = true;
    command.kill("SIGKILL");
  }, END_MS);
  const finished = await command.ended;
  clearTimeout(limit);
  if (isLate) {
    throw new Error(`Ran over ${END_MS} ms: ${args.join(" ")}: ${finished.out}${finished.err}`);
  }
  return finished;
}

/** A directory that is removed after the test. */
export async function temporary(): Promise<{ path: string; wal: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "weave-wal-cli-"));
  return {
    path,
    wal: join(path, "wal"),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}
