/**
 * State that the parts of a simulation share.
 *
 * @module
 */

import type { MemoryClock } from "../../support/simulated_runtime/memory_clock.ts";
import type { MemoryDisk } from "../../support/simulated_runtime/memory_disk.ts";
import type { Ledger } from "./ledger.ts";
import type { Setup } from "../scenario/scenario.ts";
import type { Trace } from "../checks/trace.ts";

/** A broken promise. */
export type ViolationCode =
  /** An accepted record is neither delivered nor dead-lettered. */
  | "lost"
  /** A record that was reported as synced did not survive a machine crash. */
  | "unsynced"
  /** A server got bytes that nobody appended. */
  | "altered"
  /** A server got a record again after it was dead-lettered. */
  | "after-dead-letter"
  /** A server got a record again that a checkpoint was past, or that had been answered. */
  | "resent"
  /** A checkpoint is past something that is not settled, or went back. */
  | "checkpoint"
  /** A log was removed with something in it that is not settled. */
  | "removed"
  /** A checkpoint was moved, a log removed or a record sent by a process that may not drain the segment. */
  | "lease"
  /** Two senders had the same segment under way. */
  | "two-senders"
  /** A record came before one that it depends on. */
  | "order"
  /** A record was dead-lettered that no server refused, or whose bytes were valid. */
  | "dead-letter"
  /** A flush reported that it was done and it was not, or ran over its limit. */
  | "flush"
  /** Something is still waiting when all works. */
  | "pending"
  /** Files are left that belong to nothing. */
  | "leftover"
  /** A request went to a server that its records are not for. */
  | "wrong-server"
  /** The pipeline's counters are wrong. */
  | "counters"
  /** One retry ID was used for different requests. */
  | "retry-id"
  /** Calls of a living process were closed. */
  | "closed-alive"
  /** A call got two ends: its own and one of recovery, or two of recovery. */
  | "closed-twice"
  /** The end of a call that was cut off is not the last sign of life. */
  | "closed-time"
  /** A call that was cut off was not closed. */
  | "not-closed"
  /** An error reached the program. */
  | "threw"
  /** An endless loop. */
  | "spins";

/** A promise that was not kept. */
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
  /** Events of this run that change the expectations. */
  readonly past: Past;
  /** A promise was not kept. */
  violate(code: ViolationCode, text: string): void;
}

/** Events so far. */
export interface Past {
  /** Requests made. */
  requests: number;
  /** The machine crashed: bytes may be torn, checkpoints lost. */
  crashed: boolean;
  /** Anything happened that makes it right to send something twice. */
  disturbed: boolean;
  /** Segments in which a broken line is allowed. */
  readonly torn: Set<string>;
  /** Those in which it was left by a process that lived on and knew of it. */
  readonly fragments: Set<string>;
}
