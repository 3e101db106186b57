/**
 * Runs the real command in a child process on the runtime that runs the test, and writes logs for
 * it to look after.
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

/** The project's top directory. */
export const root: string = fileURLToPath(new URL("../../..", import.meta.url));
const runtimeName = detectRuntime().name;

/** Command and arguments with which this runtime runs a TypeScript program of the project. */
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

/** A program that runs. */
export interface Running {
  readonly pid: number;
  /** Its output so far. */
  readonly out: () => string;
  readonly err: () => string;
  /** Resolves as soon as what it printed holds `text`; rejects when it ends without. */
  sees(text: string): Promise<void>;
  /** Resolves when it prints the next byte, or ends. */
  prints(): Promise<void>;
  kill(signal: "SIGINT" | "SIGTERM" | "SIGKILL"): void;
  /** Resolves when it has ended. */
  readonly ended: Promise<Finished>;
  /** Types into it. */
  type(text: string): void;
  /** Reads no more of what it prints. */
  closeOutput(): void;
}

/** Surroundings of a program. */
export interface Surroundings {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Ms that a program may take to print what is waited for. */
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

/** An environment without variables of the machine that could change a command. */
export function cleanEnvironment({ cwd, env }: Surroundings): Record<string, string> {
  const inherited = ["PATH", "DENO_DIR", "LANG", "TMPDIR"].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  return { ...Object.fromEntries(inherited), HOME: cwd, WEAVE_WAL_DIR: join(cwd, "wal"), ...env };
}

/** Programs that run: a test that fails must not leave them behind. */
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
      // The id of a child that has ended may be another's by now.
      if (child.exitCode !== null || child.signalCode !== null) return;
      // Deno reports no exit code of a child that was signalled through its handle.
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

/** Ms that a command may take to its end. */
const END_MS = 90_000;

/** Runs `weave-wal` to its end in a process of its own; most tests need only `cli` of `cli.ts`. */
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
