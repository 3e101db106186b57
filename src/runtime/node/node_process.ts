/**
 * Facts about processes over `node:process`, as Node and Bun have it.
 *
 * @module
 */

import { builtin } from "../builtin_modules.ts";
import { exitHooks } from "../process/exit_hooks.ts";
import { shared } from "../process/shared_state.ts";
import { processFacts } from "../process/process_info.ts";
import type { ProcessFacts } from "../runtime.ts";

/** Facts of this process, and what can be learnt of others. */
export function nodeProcess(): ProcessFacts {
  const process = builtin("node:process");
  const fs = builtin("node:fs");
  return processFacts({
    pid: process.pid,
    proc: {
      text: (path) => orNull(() => fs.readFileSync(path, "utf8")),
      link: (path) => orNull(() => fs.readlinkSync(path)),
    },
    exits: shared("exit-hooks", () =>
      exitHooks({
        beforeExit: (fired) => void process.on("beforeExit", () => fired(() => {})),
        exit: (fired) => void process.on("exit", fired),
      })),
    signal: (pid) => signal(process, pid),
    host: () => builtin("node:os").hostname(),
    user: () => process.geteuid?.() ?? null,
    env: (name) => process.env[name],
    envNames: () => Object.keys(process.env),
    cwd: () => process.cwd(),
    home: () => orNull(() => builtin("node:os").homedir()) ?? undefined,
  });
}

/** Whether signal 0 reaches the process `pid`; one that we may not signal (`EPERM`) is there. */
export function signal(
  process: { kill(pid: number, signal: number): unknown },
  pid: number,
): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: unknown }).code !== "ESRCH";
  }
}

function orNull<Value>(ask: () => Value): Value | null {
  try {
    return ask();
  } catch {
    return null;
  }
}
