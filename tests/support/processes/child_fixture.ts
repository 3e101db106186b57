/**
 * Child processes of tests: a program of this folder under any runtime.
 *
 * @module
 */

import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import { delimiter, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { bundled } from "../bundle.ts";

/** The project root. */
export const root: string = fileURLToPath(new URL("../../..", import.meta.url));

/** A runtime for children. */
export type ChildRuntime = "deno" | "bun" | "node";

/** The runtime of this process. */
export const ownRuntime = detectRuntime().name as ChildRuntime;

/** Options of a child. */
export interface ChildOptions {
  /** Its runtime; that of this process by default. */
  readonly runtime?: ChildRuntime;
  /** Options of the runtime itself. */
  readonly runtimeArgs?: readonly string[];
  /** Command prefix, e.g. `strace -f`. */
  readonly under?: readonly string[];
  /** Whether it imports CommonJS packages. */
  readonly hasCommonJs?: boolean;
}

/** A running child. */
export interface Child {
  readonly pid: number;
  /** Lines of its standard output so far. */
  readonly lines: readonly string[];
  /** Resolves when it has printed a line with this prefix; rejects if it exits first. */
  line(begin: string): Promise<string>;
  /** Resolves when it has exited and all its output has been read. */
  readonly ended: Promise<{ code: number | null; signal: string | null; errors: string }>;
  /** Sends a signal, if it is still running. */
  kill(signal: NodeJS.Signals): void;
}

/** Starts `program`, a file of this folder, with one argument. */
export function startChild(program: string, argument: string, options: ChildOptions = {}): Child {
  return startCommand([...options.under ?? [], ...commandOf(program, options), argument]);
}

/** Starts a command. */
export function startCommand(
  [command, ...args]: readonly string[],
  { cwd = root, env = {} }: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Child {
  const stdio: StdioOptions = ["ignore", "pipe", "pipe"];
  return watch(spawn(command, args, { cwd, stdio, env: { ...environment(), ...env } }));
}

/** The command that starts `program`, a file of this folder, on the runtime of this process. */
export function childCommand(program: string, argument: string): string[] {
  return [...commandOf(program, {}), argument];
}

/** The command that starts `weave-wal`. */
export function cliCommand(runtime: ChildRuntime): string[] {
  return commandOf("../src/cli/main.ts", { runtime, hasCommonJs: true });
}

function commandOf(program: string, options: ChildOptions): string[] {
  const runtime = options.runtime ?? ownRuntime;
  const own = options.runtimeArgs ?? [];
  const file = runtime === ownRuntime ? process.execPath : join(root, "node_modules/.bin", runtime);
  const path = join(root, "tests", program);
  switch (runtime) {
    case "deno":
      return [file, "run", "-A", "--no-check", ...own, path];
    case "bun":
      return [file, ...own, path];
    case "node":
      return [runtime === ownRuntime ? file : "node", ...own, bundled(path, options.hasCommonJs)];
  }
}

/** The environment without variables that affect the library or the runtimes. */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) =>
    !/^(WANDB_|WEAVE_|WF_|NODE_OPTIONS$|NODE_TEST_CONTEXT$)/.test(name)
  );
  return {
    ...Object.fromEntries(own),
    PATH: `${join(root, "node_modules/.bin")}${delimiter}${process.env.PATH ?? ""}`,
    NO_COLOR: "1",
    DENO_NO_UPDATE_CHECK: "1",
  };
}

function watch(child: ChildProcess): Child {
  const lines: string[] = [];
  let looks: (() => void)[] = [];
  let rest = "";
  let errors = "";
  let over = false;
  const changed = (): void => {
    for (const look of [...looks]) look();
  };
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop()!;
    lines.push(...parts);
    changed();
  });
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-20_000);
  });
  const ended = new Promise<{ code: number | null; signal: string | null; errors: string }>(
    (resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => {
        over = true;
        resolve({ code, signal, errors });
        changed();
      });
    },
  );
  return {
    pid: child.pid!,
    lines,
    ended,
    line: (begin) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = lines.find((line) => line.startsWith(begin));
          if (found === undefined && !over) return;
          looks = looks.filter((other) => other !== look);
          if (found !== undefined) resolve(found);
          else reject(new Error(`The child ended before it printed: ${begin}\n${errors}`));
        };
        looks.push(look);
        look();
      }),
    kill: (signal) => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    },
  };
}
