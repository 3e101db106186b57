/**
 * A pipeline's counters, last error, and server state.
 *
 * @module
 */

import type { ServerState } from "../../../delivery/http/circuit_breaker.ts";
import type { DeadLetter } from "../../../wal/segment/segment.ts";
import type { Clock } from "../../../runtime/runtime.ts";
import { errorCode } from "../../../errors.ts";
import type { DiskError } from "../../../wal/processes/presence_state.ts";

/**
 * Why a record was dropped, that is, removed from the log without being delivered or dead-lettered.
 *
 * @example
 * ```ts
 * import { type DropCause, init } from "@weave-wal/client";
 *
 * await using client = await init("team/project", { disabled: true }); // `wal: true` in a program
 * const cause: DropCause = "quota-new";
 * if ((await client.stats()).dropped[cause] !== 0) throw new Error("Records were dropped");
 * ```
 */
export type DropCause =
  /** `maxDiskBytes` was reached and the policy is `drop-new`, or dropping was too slow. */
  | "quota-new"
  /** `maxDiskBytes` was nearly reached and the policy is `drop-oldest`. */
  | "quota-oldest"
  /** The memory log was full. */
  | "memory-full"
  /** It was rejected by the server, and a memory log cannot store dead letters. */
  | "refused-in-memory"
  /** It was written after `finish()`. */
  | "closed"
  /** An unexpected error of the log. */
  | "failed";

/**
 * The last known state of the server.
 *
 * @example
 * ```ts
 * import { init, type ServerStatus } from "@weave-wal/client";
 *
 * await using client = await init("team/project", { disabled: true }); // `wal: true` in a program
 * const server: ServerStatus = (await client.stats()).server;
 * if (server.state !== "up") throw new Error(server.reason ?? "");
 * ```
 */
export interface ServerStatus {
  /** `up`: it accepts requests. `down`: it is unreachable. `blocked`: the user must act. */
  readonly state: ServerState;
  /** Why the state is not `up`. */
  readonly reason: string;
  /** Time at which the state began, epoch ms. */
  readonly since: number;
}

/** Returns zero for every cause. */
export function noDrops(): Record<DropCause, number> {
  return {
    "quota-new": 0,
    "quota-oldest": 0,
    "memory-full": 0,
    "refused-in-memory": 0,
    "closed": 0,
    "failed": 0,
  };
}

/** Counts the outcomes of records. */
export class PipelineCounters {
  readonly #clock: Clock;
  appended = 0;
  /** Time at which the first record was appended, epoch ms; `null` before that. */
  firstAppend: number | null = null;
  delivered = 0;
  deadLettered = 0;
  /** Number of dead-lettered records, by reason. */
  readonly deadLettersByReason: Partial<Record<DeadLetter["reason"], number>> = {};
  readonly dropped: Record<DropCause, number> = noDrops();
  lastDelivery: number | null = null;
  lastError: { message: string; at: number } | null = null;
  server: ServerStatus;
  /** Why the disk fails, and since when; `null` if it does not. */
  diskError: DiskError | null = null;
  /** Why records on disk cannot be synced; `null` if they can. */
  syncError: DiskError | null = null;

  /** Starts at zero, and assumes that the server is up. */
  constructor(clock: Clock) {
    this.#clock = clock;
    this.server = { state: "up", reason: "", since: clock.now() };
  }

  /** A number that changes whenever a record is appended or settled. */
  get movements(): number {
    return this.appended + this.delivered + this.deadLettered + this.allDropped;
  }

  /** Total number of dropped records. */
  get allDropped(): number {
    return Object.values(this.dropped).reduce((sum, count) => sum + count, 0);
  }

  /** Counts delivered and dead-lettered records. */
  settled(delivered: number, deadLetters: readonly DeadLetter[]): void {
    this.delivered += delivered;
    this.deadLettered += deadLetters.length;
    for (const { reason } of deadLetters) {
      this.deadLettersByReason[reason] = (this.deadLettersByReason[reason] ?? 0) + 1;
    }
    if (delivered > 0) this.lastDelivery = this.#clock.now();
  }

  /** Counts appended records. */
  append(records: number): void {
    this.firstAppend ??= this.#clock.now();
    this.appended += records;
  }

  /** Counts dropped records. */
  drop(cause: DropCause, records: number): void {
    this.dropped[cause] += records;
  }

  /** Stores the last error. */
  failed(message: string): void {
    this.lastError = { message, at: this.#clock.now() };
  }

  /** Stores that the disk failed with this error and message, or works again (`null`). */
  diskChanged(error: unknown, message: string): void {
    this.diskError = error === null ? null : this.#errorNow(error, message);
  }

  /** Stores that the disk cannot sync. */
  syncUnsupported(error: unknown, message: string): void {
    this.syncError = this.#errorNow(error, message);
  }

  #errorNow(error: unknown, message: string): DiskError {
    return { message, code: errorCode(error) ?? "unknown", at: this.#clock.now() };
  }

  /**
   * Stores the reason of a failed request; while the server is not up, it becomes the state's
   * reason.
   */
  requestFailed(reason: string): void {
    this.failed(reason);
    if (this.server.state !== "up") this.server = { ...this.server, reason };
  }

  /** Stores a change of the server's state. */
  serverChanged(state: ServerState, reason: string): void {
    this.server = { state, reason, since: this.#clock.now() };
    if (state !== "up") this.failed(reason);
  }
}
