/**
 * Identifies processes, and determines whether a process known from disk is still running.
 *
 * A PID alone proves nothing: PIDs are reused, and every container has a PID 1. A PID is only
 * compared within the same boot and PID namespace, and together with the start time of the process.
 * If these cannot be read, only heartbeats are evidence.
 *
 * @module
 */

import type { ProcessInfo } from "../../runtime/runtime.ts";

/** The data that identifies a process. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time of the process according to the kernel; `null` if unknown. */
  readonly startTime: string | null;
  /** The kernel's boot ID; `null` if unknown. */
  readonly bootId: string | null;
  /** PID namespace; `null` if unknown. */
  readonly pidNamespace: string | null;
  /** Host name. */
  readonly host: string;
}

/**
 * State of another process, as far as its identity shows it. If `unknown`, only its heartbeat is
 * evidence.
 */
export type Liveness = "alive" | "dead" | "unknown";

/** Returns the identity of this process. */
export function ownIdentity(process: ProcessInfo): ProcessIdentity {
  const { pid, startTime, bootId, pidNamespace, host } = process;
  return { pid, startTime, bootId, pidNamespace, host };
}

/**
 * Returns whether the process with this identity is still running, as far as it can be determined.
 */
export function liveness(identity: ProcessIdentity, process: ProcessInfo): Liveness {
  if (identity.bootId !== process.bootId) return "unknown";
  if (identity.pidNamespace !== process.pidNamespace || identity.host !== process.host) {
    return "unknown";
  }
  const found = process.findProcess(identity.pid);
  if (found === null) return "dead";
  if (identity.startTime === null || found.startTime === null) return "unknown";
  return identity.startTime === found.startTime ? "alive" : "dead";
}

/** Reads an identity from a parsed JSON value; returns `null` if it is not one. */
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
