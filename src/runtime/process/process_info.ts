/**
 * Information about processes, based on the built-in modules that Node, Bun and Deno share. Each
 * value is read on first use.
 *
 * @module
 */

import { hasCode } from "../../errors.ts";
import { builtin } from "../builtin_modules.ts";
import type { Need, ProcessInfo, SystemFacts } from "../runtime.ts";
import { type ExitEvents, exitHooks } from "./exit_hooks.ts";
import {
  type ProcReader,
  readBootId,
  readPidNamespace,
  readStat,
  readVariable,
} from "./linux_proc.ts";
import { shared } from "./shared_state.ts";
import type { SignalEvents } from "./signal_hooks.ts";

/** A permission that a query requires, in the format of `Deno.permissions`. */
export type Permission =
  | { name: "read" | "write"; path?: string }
  | { name: "net"; host?: string }
  | { name: "env"; variable?: string }
  | { name: "sys"; kind?: "hostname" | "homedir" | "osRelease" | "uid" }
  | { name: "run" };

/** Differences between runtimes. */
export interface ProcessHost {
  /**
   * Returns the result of `ask`; `undefined` if the permission is missing. Never prompts the user.
   */
  granted<Value>(permission: Permission, ask: () => Value): Value | undefined;
  /** The events at the end of the program. */
  readonly events: Pick<ExitEvents, "beforeExit" | "exit">;
}

/** The largest possible process ID (a signed 32-bit number). */
const MAX_PID = 2 ** 31 - 1;

/** Names of operating systems that differ from Node's names. */
const OS_NAMES: Readonly<Record<string, string>> = {
  linux: "Linux",
  darwin: "Darwin",
  win32: "Windows_NT",
};

/** Creates the process information for a runtime. */
export function processFacts({ granted, events }: ProcessHost): ProcessInfo {
  const process = builtin("node:process");
  const fs = () => builtin("node:fs");
  const os = () => builtin("node:os");
  const proc: ProcReader = {
    text: (path) => granted({ name: "read", path }, () => fs().readFileSync(path, "utf8")) ?? null,
    link: (path) => granted({ name: "read", path }, () => fs().readlinkSync(path)) ?? null,
  };
  const env = (variable: string) =>
    granted({ name: "env", variable }, () => process.env[variable]) || undefined;
  const signals: SignalEvents = {
    listen: (signal, fired) => {
      process.on(signal, fired);
      return () => void process.off(signal, fired);
    },
    listeners: (signal) => process.listenerCount(signal),
    raise: (signal) => {
      process.kill(process.pid, signal);
      // As PID 1 of a container, the process ignores signals with the default action.
      if (process.pid === 1) process.exit(128 + os().constants.signals[signal as "SIGTERM"]);
    },
  };
  const exits = shared("exit-hooks", () => exitHooks({ ...events, signals }));
  const facts = lazy({
    startTime: () => readStat(proc, "self")?.startTime ?? null,
    bootId: () => readBootId(proc),
    pidNamespace: () => readPidNamespace(proc),
    host: () => granted({ name: "sys", kind: "hostname" }, () => os().hostname()) ?? "",
    user: () => granted({ name: "sys", kind: "uid" }, () => process.geteuid?.()) ?? null,
    system: (): SystemFacts => {
      const release = { name: "sys", kind: "osRelease" } as const;
      return {
        runtime: runtimeOf(process.versions),
        osName: OS_NAMES[process.platform] ?? process.platform,
        osRelease: granted(release, () => os().release()),
        osVersion: granted(release, () => os().version()),
      };
    },
  });
  return Object.assign(facts, {
    pid: process.pid,
    findProcess: (pid: number) => {
      // Zero and negative IDs name process groups.
      if (!Number.isInteger(pid) || pid <= 0 || pid > MAX_PID) return null;
      if (granted({ name: "run" }, () => isThere(process, pid)) === false) return null;
      const stat = readStat(proc, pid);
      if (stat?.state === "Z" || stat?.state === "X") return null;
      return { startTime: stat?.startTime ?? null };
    },
    variableOf: (pid: number, name: string) => readVariable(proc, pid, name),
    env,
    // Listing requires permission for the whole environment.
    envNames: () =>
      (granted({ name: "env" }, () => Object.keys(process.env)) ?? []).filter((name) => env(name)),
    allows: (need: Need) => granted(permissionFor(need), () => true) ?? false,
    cwd: () => process.cwd(),
    home: () =>
      granted({ name: "sys", kind: "homedir" }, () => os().homedir()) || env("HOME") || undefined,
    onBeforeExit: exits.onBeforeExit,
    onExit: exits.onExit,
    onSignal: exits.onSignal,
  });
}

function permissionFor(need: Need): Permission {
  switch (need.kind) {
    case "env":
      return { name: "env", variable: need.variable };
    case "net":
      return { name: "net", host: need.host };
    default:
      return { name: need.kind, path: need.path };
  }
}

/**
 * Returns whether signal 0 reaches the process `pid`. If we may not signal it (`EPERM`), it exists.
 */
function isThere(process: { kill(pid: number, signal: number): unknown }, pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !hasCode(error, "ESRCH");
  }
}

/** Bun and Deno also report the Node version that they are compatible with. */
function runtimeOf({ node, bun, deno }: Readonly<Record<string, string | undefined>>): string {
  if (deno) return `Deno ${deno}`;
  return bun ? `Bun ${bun}` : `Node.js ${node}`;
}

/** Creates an object whose properties are computed on first access. */
function lazy<Facts extends object>(compute: { [Name in keyof Facts]: () => Facts[Name] }): Facts {
  const facts = {} as Facts;
  for (const name in compute) {
    Object.defineProperty(facts, name, {
      configurable: true,
      enumerable: true,
      get: () => {
        const value = compute[name]();
        Object.defineProperty(facts, name, { value, enumerable: true });
        return value;
      },
    });
  }
  return facts;
}
