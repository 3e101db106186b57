/**
 * Facts about processes, put together from what a host can answer, each asked once.
 *
 * @module
 */

import type { ExitHooks } from "./exit_hooks.ts";
import { type ProcReader, readBootId, readPidNamespace, readStat } from "./linux_proc.ts";
import type { ProcessFacts } from "../runtime.ts";

/** What differs from host to host. */
export interface ProcessSource {
  readonly pid: number;
  readonly proc: ProcReader;
  readonly exits: ExitHooks;
  /** Whether signal 0 reaches the process; `undefined` where the host may not ask. */
  signal(pid: number): boolean | undefined;
  host(): string;
  user(): number | null;
  env(name: string): string | undefined;
  envNames(): string[];
  cwd(): string;
  home(): string | undefined;
}

/** The largest process id that a kernel gives out (a signed 32-bit number). */
const MAX_PID = 2 ** 31 - 1;

/** Facts over one host's answers. */
export function processFacts(source: ProcessSource): ProcessFacts {
  const { pid, proc, exits } = source;
  const startTime = once(() => readStat(proc, "self")?.startTime ?? null);
  const bootId = once(() => readBootId(proc));
  const pidNamespace = once(() => readPidNamespace(proc));
  const host = once(() => source.host());
  const user = once(() => source.user());
  return {
    pid,
    get startTime() {
      return startTime();
    },
    get bootId() {
      return bootId();
    },
    get pidNamespace() {
      return pidNamespace();
    },
    get host() {
      return host();
    },
    get user() {
      return user();
    },
    isAlive: (other) => {
      // Zero and negative ids name groups of processes, not one.
      if (!Number.isInteger(other) || other <= 0 || other > MAX_PID) return false;
      if (source.signal(other) === false) return false;
      const state = readStat(proc, other)?.state;
      return state !== "Z" && state !== "X";
    },
    startTimeOf: (other) => readStat(proc, other)?.startTime ?? null,
    env: (name) => source.env(name) || undefined,
    envNames: () => source.envNames().filter((name) => source.env(name)),
    cwd: () => source.cwd(),
    home: () => source.home() || undefined,
    onNaturalExit: (listener) => exits.onNaturalExit(listener),
    onExit: (listener) => exits.onExit(listener),
  };
}

function once<Value>(ask: () => Value): () => Value {
  let answer: { value: Value } | undefined;
  return () => (answer ??= { value: ask() }).value;
}
