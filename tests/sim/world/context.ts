/**
 * State shared by the parts of a simulation.
 *
 * @module
 */

import type { MemoryClock } from "../../support/simulated_runtime/memory_clock.ts";
import type { MemoryDisk } from "../../support/simulated_runtime/memory_disk.ts";
import type { Ledger } from "./ledger.ts";
import type { Setup } from "../scenario/scenario.ts";
import type { Trace } from "../checks/trace.ts";

/** A kind of broken promise. */
export type ViolationCode =
  /** An accepted record was neither delivered nor dead-lettered. */
  | "lost"
  /** A record that was reported as synced did not survive a machine crash. */
  | "unsynced"
  /** A server received bytes that were not appended. */
  | "altered"
  /** A server received a record after it was dead-lettered. */
  | "after-dead-letter"
  /** A server received a record again after it was checkpointed or acknowledged. */
  | "resent"
  /** A checkpoint is past an unsettled record, or moved backward. */
  | "checkpoint"
  /** A log with an unsettled record was removed. */
  | "removed"
  /**
   * A process moved a checkpoint, removed a log or sent a record of a segment that it may
   * not drain.
   */
  | "lease"
  /** Two senders had records of the same segment in flight. */
  | "two-senders"
  /** A record arrived before one that it depends on. */
  | "order"
  /** A record was dead-lettered that was neither rejected nor corrupt. */
  | "dead-letter"
  /** A flush reported success too early, or exceeded its limit. */
  | "flush"
  /** Something is still pending although there are no faults. */
  | "pending"
  /** Orphaned files remain. */
  | "leftover"
  /** A request was sent to the wrong server for its records. */
  | "wrong-server"
  /** The pipeline's counters are wrong. */
  | "counters"
  /** One retry ID was used for different requests. */
  | "retry-id"
  /** Calls of a living process were closed. */
  | "closed-alive"
  /** A call has two ends: its own and one by recovery, or two by recovery. */
  | "closed-twice"
  /** The end of an interrupted call is not at the last evidence that its process was alive. */
  | "closed-time"
  /** An interrupted call was not closed. */
  | "not-closed"
  /** An error reached the program. */
  | "threw"
  /** A process runs in an endless loop. */
  | "spins";

/** A broken promise. */
export interface Violation {
  readonly code: ViolationCode;
  readonly text: string;
}

/** Shared by everything in one run. */
export interface SimContext {
  readonly setup: Setup;
  readonly clock: MemoryClock;
  readonly disk: MemoryDisk;
  readonly ledger: Ledger;
  readonly trace: Trace;
  /** Events of this run that relax the checks. */
  readonly past: Past;
  /** Reports a broken promise. */
  violate(code: ViolationCode, text: string): void;
}

/** Events so far. */
export interface Past {
  /** Number of requests. */
  requests: number;
  /** The machine crashed: bytes may be torn and checkpoints lost. */
  crashed: boolean;
  /** An event occurred after which repeating a request is legitimate. */
  disturbed: boolean;
  /** Segments in which a corrupt line is allowed. */
  readonly torn: Set<string>;
  /** Those of `torn` whose fragment was left by a process that survived and knew of it. */
  readonly fragments: Set<string>;
  /**
   * Tokens of writers of which another process's disk failed at the files about open calls: they may
   * be forgotten, because they must never prevent the removal of delivered segments.
   */
  readonly unkept: Set<string>;
}
