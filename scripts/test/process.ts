/**
 * Child processes that cannot outlive the script that started them.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The project root. */
export const projectRoot: string = fileURLToPath(new URL("../..", import.meta.url));

/** Result of a child process. */
export interface Outcome {
  /** Exit status; `null` if a signal ended it. */
  status: number | null;
  /** Description of how it ended: `exit status 1`, `SIGSEGV`, `ran over 300 s`. */
  ending: string;
  /** Standard output and error, interleaved. */
  output: string;
  /** Standard output only: warnings may be printed in the middle of it. */
  stdout: string;
  /** Duration in ms. */
  ms: number;
}

/** Options of a child process. */
export interface RunOptions {
  /** Working directory (default: the project root). */
  cwd?: string;
  /** Time limit in ms (default: 5 minutes). */
  limitMs?: number;
  /** Additional environment variables. */
  env?: Readonly<Record<string, string>>;
}

/** Maximum number of characters of output that are kept: a child may print in an endless loop. */
const MAX_OUTPUT = 4_000_000;
/** Time (ms) to wait for remaining output after the child has exited. */
const LAST_OUTPUT_MS = 2_000;

const isWindows = process.platform === "win32";

const running = new Set<ChildProcess>();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => {
    for (const child of running) killGroup(child);
    process.kill(process.pid, signal);
  });
}

/**
 * Runs a command of `node_modules/.bin` or of the `PATH` to its end. It leads its own
 * process group; all processes remaining in this group when it ends are killed.
 */
export function run(
  command: string,
  args: readonly string[],
  { cwd = projectRoot, limitMs = 300_000, env = {} }: RunOptions = {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    const start = performance.now();
    const child = spawn(command, args, {
      cwd,
      env: { ...environment(), ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: !isWindows,
      // On Windows, commands of packages are scripts, which only a shell can start.
      shell: isWindows,
    });
    running.add(child);
    let output = "";
    let stdout = "";
    let ending = "";
    let status: number | null = null;
    let late: ReturnType<typeof setTimeout> | undefined;
    const keep = (text: string) => output = (output + text).slice(-MAX_OUTPUT);
    child.stdout.on("data", (text: string) => stdout = (stdout + text).slice(-MAX_OUTPUT));
    const limit = setTimeout(() => {
      ending = `ran over ${limitMs / 1000} s`;
      killGroup(child);
    }, limitMs);
    const end = () => {
      clearTimeout(limit);
      clearTimeout(late);
      running.delete(child);
      resolve({ status, ending, output, stdout, ms: performance.now() - start });
    };
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", keep);
    }
    child.once("error", (error) => {
      ending = `cannot start: ${error.message}`;
      end();
    });
    child.once("exit", (code, signal) => {
      status = ending ? null : code;
      ending ||= signal ?? `exit status ${code}`;
      killGroup(child);
      // A grandchild in its own process group may keep the pipes open.
      late = setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, LAST_OUTPUT_MS);
    });
    child.once("close", end);
  });
}

/** Runs `work` on every item, at most `atOnce` at a time, in order. */
export async function inParallel<Item>(
  items: Iterable<Item>,
  atOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  const worker = async () => {
    for (let next = queue.next(); !next.done; next = queue.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    if (isWindows) spawn("taskkill", ["/pid", String(pid), "/t", "/f"], { stdio: "ignore" });
    else process.kill(-pid, "SIGKILL");
  } catch {
    // The group is empty.
  }
}

/** The environment without variables that change the library or color the output. */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) =>
    !/^(WANDB_|WEAVE_|WF_|FORCE_COLOR$|NODE_TEST_CONTEXT$|NODE_OPTIONS$)/.test(name)
  );
  const binaries = join(projectRoot, "node_modules", ".bin");
  return {
    ...Object.fromEntries(own),
    PATH: `${binaries}${delimiter}${process.env.PATH ?? ""}`,
    NO_COLOR: "1",
    DENO_NO_UPDATE_CHECK: "1",
    NO_UPDATE_NOTIFIER: "1",
  };
}
