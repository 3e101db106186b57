/**
 * User programs: files in a folder of their own, run on the runtime of the test.
 *
 * @module
 */

import { spawn } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { bundled } from "../bundle.ts";
import { ownRuntime, root } from "./child_fixture.ts";

/** Options of a program. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Options of the runtime itself; on Deno they replace `-A`. */
  readonly runtimeArgs?: readonly string[];
  /** Command prefix, e.g. `prlimit`. */
  readonly under?: readonly string[];
}

/** A finished program. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lines: readonly string[];
  readonly errors: string;
  /** Ms from its line `done`, or from its start, to its exit. */
  readonly lastMs: number;
}

/** A running program. */
export interface Running {
  readonly pid: number;
  /** Lines of its standard output so far. */
  readonly lines: readonly string[];
  /** Resolves when it has printed this line; rejects if it exits first. */
  line(line: string): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<Ended>;
}

/** A folder with a user program. */
export class UserProject {
  readonly directory: string = mkdtempSync(join(tmpdir(), "weave-wal-program-"));
  readonly walDir: string = join(this.directory, ".weave/wal");

  /** Writes a file. */
  write(name: string, text: string): void {
    const path = join(this.directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  /** Copies a built entry of the package into the folder: a separate module. */
  copy(name: string, entry = "mod.ts"): void {
    const path = join(this.directory, name);
    mkdirSync(dirname(path), { recursive: true });
    copyFileSync(bundled(entry), path);
  }

  /** Makes an installed package, or all of a scope (`@scope`), importable in the folder. */
  link(name: string): void {
    const path = join(this.directory, "node_modules", name);
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(join(root, "node_modules", name), path);
  }

  /** Starts a file of the folder. */
  start(
    program: string,
    { env = {}, args = [], runtimeArgs, under = [] }: RunOptions = {},
  ): Running {
    const own = ownRuntime === "deno"
      ? ["run", "--no-check", ...runtimeArgs ?? ["-A"]]
      : runtimeArgs ?? [];
    const [command, ...rest] = [...under, process.execPath, ...own, program, ...args];
    const child = spawn(command, rest, {
      cwd: this.directory,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...environment(this.directory), WANDB_API_KEY: "k".repeat(40), ...env },
    });
    const lines: string[] = [];
    const looks = new Set<() => void>();
    let rest_ = "", errors = "", since = performance.now(), over = false;
    const changed = (): void => looks.forEach((look) => look());
    child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      const parts = (rest_ + text).split("\n");
      rest_ = parts.pop()!;
      lines.push(...parts);
      if (parts.includes("done")) since = performance.now();
      changed();
    });
    child.stderr!.setEncoding("utf8").on("data", (text: string) => errors += text);
    const ended = new Promise<Ended>((resolve, reject) => {
      child.on("error", reject);
      let lastMs = 0;
      child.on("exit", () => lastMs = performance.now() - since);
      child.on("close", (code, signal) => {
        over = true;
        changed();
        resolve({ code, signal, lines, errors, lastMs });
      });
    });
    return {
      pid: child.pid!,
      lines,
      ended,
      // Deno's `child.kill` sends only one signal, and reports it as the reason of the
      // exit.
      kill: (signal) => void process.kill(child.pid!, signal),
      line: (line) =>
        new Promise((resolve, reject) => {
          const look = (): void => {
            if (!lines.includes(line) && !over) return;
            looks.delete(look);
            if (lines.includes(line)) resolve();
            else reject(new Error(`The program ended without printing ${line}:\n${errors}`));
          };
          looks.add(look);
          look();
        }),
    };
  }

  /** Runs a file of the folder to its end. */
  async run(program: string, options?: RunOptions): Promise<Ended> {
    return await this.start(program, options).ended;
  }

  /** Log files of a project with this extension. */
  logs(project: string, extension = ".jsonl"): string[] {
    try {
      return readdirSync(join(this.walDir, project)).filter((name) => name.endsWith(extension));
    } catch {
      return [];
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** An environment without variables of the library or a test runner, and a home without a key. */
function environment(home: string): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) =>
    !/^(WANDB_|WEAVE_|WF_|OTEL_|NODE_OPTIONS$|NODE_TEST_CONTEXT$)/.test(name)
  );
  return {
    // Deno keeps its cache there, and would download everything again.
    DENO_DIR: process.env.DENO_DIR ?? join(process.env.HOME ?? home, ".cache/deno"),
    ...Object.fromEntries(own),
    PATH: `${join(root, "node_modules/.bin")}${delimiter}${process.env.PATH ?? ""}`,
    HOME: home,
    WEAVE_PRINT_CALL_LINK: "false",
    NO_COLOR: "1",
    DENO_NO_UPDATE_CHECK: "1",
  };
}
