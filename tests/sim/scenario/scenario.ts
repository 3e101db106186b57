/**
 * A scenario: what is set up, and a list of steps. It is made from a seed before anything runs, so
 * that a failing one can be shortened by leaving steps out.
 *
 * @module
 */

import type { FsyncPolicy, QuotaPolicy } from "../../../src/client/pipeline/pipeline.ts";
import type { MemoryOperationKind } from "../../support/simulated_runtime/memory_process.ts";
import type { RecordKind } from "./records.ts";

/** Which call paths a simulated server has. `neither` refuses both, as in the middle of a rollout. */
export type ServerMode = "both" | "old" | "complete" | "neither";

/** Faults of a server; see `server.ts`. */
export type ServerFaultKind =
  | "unreachable"
  | "lost"
  | "hang"
  | "body-hang"
  | "truncated"
  | "cut-body"
  | "garbage"
  | "late"
  | "redirect"
  | 400
  | 401
  | 403
  | 404
  | 408
  | 409
  | 413
  | 425
  | 429
  | 500
  | 503;

/** A fault and how often it comes. */
export interface ServerFault {
  readonly kind: ServerFaultKind;
  readonly probability: number;
}

/** Faults of a disk for one process. */
export type DiskFaultKind =
  | "full"
  | "io"
  | "sync"
  | "read-only"
  | "handles"
  | "short"
  | "checkpoint"
  | "truncate";

/** Setup of a whole run. */
export interface Setup {
  /** Hosts (or containers) around the one disk. */
  readonly hosts: 1 | 2;
  /** Whether processes can be distinguished by start time, boot ID and namespace. */
  readonly facts: boolean;
  readonly segmentBytes: number;
  readonly batchRecords: number;
  readonly batchBytes: number;
  readonly lingerMs: number;
  readonly timeoutMs: number;
  readonly retryMaxMs: number;
  readonly fsyncRecords: number;
  readonly fsyncIntervalMs: number;
  readonly maxMemoryRecords: number;
  readonly maxMemoryBytes: number;
  readonly exitDrainMs: number;
  readonly maxDiskBytes: number;
  readonly quotaPolicy: QuotaPolicy;
  /** Whether calls are closed that the end of a process cuts off. */
  readonly closeInterrupted: boolean;
  /** Most bytes of a request that the servers take. */
  readonly serverBytes: number;
  readonly mode: ServerMode;
  /** Whether the servers have the batch endpoint of feedback, and the newer endpoint of files. */
  readonly feedbackBatch: boolean;
  readonly newFiles: boolean;
  /** Most ms of an answer on its way. */
  readonly latencyMs: number;
  /** Most ms that an asynchronous read or sync takes. */
  readonly diskMs: number;
  /** Chance that a record is one that the server refuses. */
  readonly poison: number;
}

/** One thing that happens. `slot` is a place for a process; a step for an empty one does nothing. */
export type Step =
  | StartStep
  | { readonly do: "foreign"; readonly slot: number; readonly project: number }
  | AppendStep
  | { readonly do: "sync"; readonly slot: number }
  | { readonly do: "flush"; readonly slot: number; readonly timeout?: number }
  | { readonly do: "finish"; readonly slot: number; readonly timeout?: number }
  | { readonly do: "exit"; readonly slot: number; readonly natural: boolean }
  /** Dead letters are sent again; with `fix`, the present ones are valid from now on. */
  | { readonly do: "retry"; readonly slot: number; readonly fix: boolean }
  | { readonly do: "kill"; readonly slot: number }
  | DoomStep
  | { readonly do: "crash"; readonly seed: number }
  | DiskStep
  | { readonly do: "heal" }
  | { readonly do: "stop"; readonly slot: number }
  /** It goes on, for `busy` ms without a look at what happened meanwhile. */
  | { readonly do: "resume"; readonly slot: number; readonly busy: number }
  | { readonly do: "pass"; readonly ms: number }
  /** The wall clock jumps. */
  | { readonly do: "jump"; readonly ms: number }
  | {
    readonly do: "server";
    readonly server: number;
    readonly faults: readonly ServerFault[];
    readonly seed: number;
  }
  | { readonly do: "mode"; readonly server: number; readonly mode: ServerMode }
  /** A checkpoint is overwritten with garbage. */
  | { readonly do: "corrupt"; readonly how: CheckpointCorruption; readonly seed: number };

/** Contents of a corrupt checkpoint. */
export type CheckpointCorruption = "inside" | "beyond" | "negative" | "empty" | "garbage" | "zeros";

/** A process of the library starts. */
export interface StartStep {
  readonly do: "start";
  readonly slot: number;
  readonly host: number;
  readonly wal: boolean;
  readonly sender: boolean;
  readonly fsync: FsyncPolicy;
  readonly complete: boolean;
  readonly project: number;
  readonly server: number;
  /** Under the id of the process that was in this slot before. */
  readonly samePid: boolean;
  readonly seed: number;
}

/**
 * The process is killed, or the machine crashes, when it begins an operation on the disk: after
 * `after` others from now, of those of one kind where `on` names it, on files whose path holds
 * `near`.
 */
export interface DoomStep {
  readonly do: "kill-at" | "crash-at";
  readonly slot: number;
  readonly after: number;
  readonly on?: MemoryOperationKind;
  readonly near?: string;
  readonly seed: number;
}

/** Records are appended. */
export interface AppendStep {
  readonly do: "append";
  readonly slot: number;
  readonly kind: RecordKind;
  readonly count: number;
  /** Bytes of payload of each. */
  readonly size: number;
  readonly seed: number;
}

/** The disk fails one process, or all with `slot` -1, until it is healed. */
export interface DiskStep {
  readonly do: "disk";
  readonly slot: number;
  readonly fault: DiskFaultKind;
  /** Chance for each operation. */
  readonly probability: number;
  readonly seed: number;
}

/** A whole run. */
export interface Scenario {
  readonly seed: number;
  readonly setup: Setup;
  readonly steps: readonly Step[];
}

/** One line for people. */
export function describeStep(step: Step): string {
  const { do: name, ...rest } = step;
  const words = Object.entries(rest).map(([key, value]) =>
    `${key} ${typeof value === "object" ? JSON.stringify(value) : value}`
  );
  return [name, ...words].join(", ").replace(", ", ": ");
}
