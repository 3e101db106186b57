/**
 * Facts about processes on Deno. What was not granted is unknown: nothing here asks the user or
 * throws. Under `/proc` Deno wants all permissions.
 *
 * @module
 */

import { builtin } from "../builtin_modules.ts";
import type { DenoPermission, DenoSlice } from "./deno_types.ts";
import { exitHooks } from "../process/exit_hooks.ts";
import { signal } from "../node/node_process.ts";
import { shared } from "../process/shared_state.ts";
import { processFacts } from "../process/process_info.ts";
import type { ProcessFacts } from "../runtime.ts";

/** Facts of this process, and what can be learnt of others. */
export function denoProcess(deno: DenoSlice): ProcessFacts {
  /** Asks only what is granted already, because an ask beyond that may stop at a prompt. */
  function granted<Value>(permission: DenoPermission, ask: () => Value): Value | undefined {
    try {
      const { state, partial } = deno.permissions.querySync(permission);
      return state === "granted" && !partial ? ask() : undefined;
    } catch {
      return undefined;
    }
  }
  const env = (name: string) =>
    name === "" ? undefined : granted({ name: "env", variable: name }, () => deno.env.get(name));

  return processFacts({
    pid: deno.pid,
    proc: {
      text: (path) => granted({ name: "read", path }, () => deno.readTextFileSync(path)) ?? null,
      link: (path) => granted({ name: "read", path }, () => deno.readLinkSync(path)) ?? null,
    },
    exits: shared("exit-hooks", () =>
      exitHooks({
        beforeExit: (fired) =>
          addEventListener("beforeunload", (event) => fired(() => event.preventDefault())),
        exit: (fired) => addEventListener("unload", fired),
      })),
    signal: (pid) => granted({ name: "run" }, () => signal(builtin("node:process"), pid)),
    host: () => granted({ name: "sys", kind: "hostname" }, () => deno.hostname()) ?? "",
    user: () => granted({ name: "sys", kind: "uid" }, () => deno.uid()) ?? null,
    env,
    // Only the whole environment can be listed.
    envNames: () => Object.keys(granted({ name: "env" }, () => deno.env.toObject()) ?? {}),
    cwd: () => deno.cwd(),
    home: () =>
      env("HOME") ??
        granted({ name: "sys", kind: "homedir" }, () => builtin("node:os").homedir()),
  });
}
