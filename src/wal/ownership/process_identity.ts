/**
 * Who a process is, and whether one that left its name on disk still lives.
 *
 * A PID alone proves nothing: it is reused, and it is 1 in every container. It counts only within
 * the same boot and the same PID namespace, and together with the process's start time. Where that
 * cannot be read, only a heartbeat speaks.
 *
 * @module
 */

import type { ProcessInfo } from "../../runtime/runtime.ts";

/** The facts by which a process is recognized. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Kernel's start time of the process; `null` where unknown. */
  readonly startTime: string | null;
  /** Kernel's boot id; `null` where unknown. */
  readonly bootId: string | null;
  /** PID namespace; `null` where unknown. */
  readonly pidNamespace: string | null;
  /** Host name. */
  readonly host: string;
}

/**
 * State of another process, as its facts show it; with `unknown`, only its heartbeat is evidence.
 */
export type Liveness = "alive" | "dead" | "unknown";

/** This process's identity. */
export function ownIdentity(process: ProcessInfo): ProcessIdentity {
  const { pid, startTime, bootId, pidNamespace, host } = process;
  return { pid, startTime, bootId, pidNamespace, host };
}

/** Whether the process that `identity` describes still runs, as far as facts tell. */
export function liveness(identity: ProcessIdentity, process: ProcessInfo): Liveness {
  if (identity.bootId !== process.bootId) return "unknown";
  if (identity.pidNamespace !== process.pidNamespace || identity.host !== process.host) {
    return "unknown";
  }
  if (!process.isAlive(identity.pid)) return "dead";
  const startTime = process.startTimeOf(identity.pid);
  if (identity.startTime === null || startTime === null) return "unknown";
  return identity.startTime === startTime ? "alive" : "dead";
}

/** Reads an identity out of a parsed JSON value; `null` when it is none. */
export function readIdentity(value: unknown): ProcessIdentity | null {
  if (typeof value !== "object" || value === null) return null;
  const { pid, startTime, bootId, pidNamespace, host } = value as Record<string, unknown>;
  if (typeof pid !== "number" || !Number.isInteger(pid) || typeof host !== "string") return null;
  return {
    pid,
    startTime: textOrNull(startTime),
    bootId: textOrNull(bootId),
    pidNamespace: textOrNull(pidNamespace),
    host,
  };
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
