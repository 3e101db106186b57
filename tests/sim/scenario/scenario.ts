/**
 * A scenario: a setup and a list of steps. It is generated before anything runs, so that
 * a failing one can be shrunk by omitting steps.
 *
 * @module
 */

import type { FsyncPolicy, QuotaPolicy } from "../../../src/client/pipeline/pipeline.ts";
import type { MemoryOperationKind } from "../../support/simulated_runtime/memory_process.ts";
import type { RecordKind } from "./records.ts";

/** The call endpoints that a simulated server has. `neither` rejects both, as during a rollout. */
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

/** A fault and its probability. */
export interface ServerFault {
  readonly kind: ServerFaultKind;
  readonly probability: number;
}

/** Faults of the disk for one process. */
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
  /** Number of hosts (or containers) that share the disk. */
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
  /** Whether calls interrupted by the death of their process are closed. */
  readonly closeInterrupted: boolean;
  /** Maximum size in bytes of a request that the servers accept. */
  readonly serverBytes: number;
  readonly mode: ServerMode;
  /** Whether the servers have the batch endpoint for feedback, and the newer endpoint for files. */
  readonly feedbackBatch: boolean;
  readonly newFiles: boolean;
  /** Maximum latency of a response, ms. */
  readonly latencyMs: number;
  /** Maximum duration of an asynchronous read or sync, ms. */
  readonly diskMs: number;
  /** Probability that the server rejects a record. */
  readonly poison: number;
}

/** A step. `slot` is a slot for a process; a step for an empty slot does nothing. */
export type Step =
  | StartStep
  | ForeignStep
  | AppendStep
  | { readonly do: "sync"; readonly slot: number }
  | { readonly do: "flush"; readonly slot: number; readonly timeout?: number }
  | { readonly do: "finish"; readonly slot: number; readonly timeout?: number }
  | { readonly do: "exit"; readonly slot: number; readonly natural: boolean }
  /** Retries dead letters; with `fix`, the present ones are valid from now on. */
  | { readonly do: "retry"; readonly slot: number; readonly fix: boolean }
  | { readonly do: "kill"; readonly slot: number }
  | DoomStep
  | { readonly do: "crash"; readonly seed: number }
  | DiskStep
  | { readonly do: "heal" }
  | { readonly do: "stop"; readonly slot: number }
  /** Resumes a process, which runs for `busy` ms before it notices what happened meanwhile. */
  | { readonly do: "resume"; readonly slot: number; readonly busy: number }
  | { readonly do: "pass"; readonly ms: number }
  /** Makes the wall clock jump. */
  | { readonly do: "jump"; readonly ms: number }
  | {
    readonly do: "server";
    readonly server: number;
    readonly faults: readonly ServerFault[];
    readonly seed: number;
  }
  | { readonly do: "mode"; readonly server: number; readonly mode: ServerMode }
  /** Overwrites a checkpoint with garbage. */
  | { readonly do: "corrupt"; readonly how: CheckpointCorruption; readonly seed: number };

/** Contents of a corrupt checkpoint. */
export type CheckpointCorruption = "inside" | "beyond" | "negative" | "empty" | "garbage" | "zeros";

/** Starts a process of the library. */
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
  /** Whether it gets the PID of the previous process in this slot. */
  readonly samePid: boolean;
  readonly seed: number;
}

/** Starts a process of a foreign writer. */
export interface ForeignStep {
  readonly do: "foreign";
  readonly slot: number;
  readonly project: number;
  /** Bytes after which it begins another segment, under another name; 0 for never. */
  readonly rotateBytes: number;
  /** Whether it never sends, so that other processes send its segments while it runs. */
  readonly writesOnly: boolean;
  /** Whether its threads may write the start of a call after later records. */
  readonly hasThreads: boolean;
}

/**
 * Kills the process, or crashes the machine, when it begins a disk operation: after
 * `after` further operations of the kind `on` (any kind by default) on files whose path
 * contains `near`.
 */
export interface DoomStep {
  readonly do: "kill-at" | "crash-at";
  readonly slot: number;
  readonly after: number;
  readonly on?: MemoryOperationKind;
  readonly near?: string;
  readonly seed: number;
}

/** Appends records. */
export interface AppendStep {
  readonly do: "append";
  readonly slot: number;
  readonly kind: RecordKind;
  readonly count: number;
  /** Payload of each record, in bytes. */
  readonly size: number;
  readonly seed: number;
}

/** Makes the disk fail for one process, or for all with `slot` -1, until it is healed. */
export interface DiskStep {
  readonly do: "disk";
  readonly slot: number;
  readonly fault: DiskFaultKind;
  /** Probability per operation. */
  readonly probability: number;
  readonly seed: number;
}

/** All inputs of a run. */
export interface Scenario {
  readonly seed: number;
  readonly setup: Setup;
  readonly steps: readonly Step[];
}

/** One line that describes a step. */
export function describeStep(step: Step): string {
  const { do: name, ...rest } = step;
  const words = Object.entries(rest).map(([key, value]) =>
    `${key} ${typeof value === "object" ? JSON.stringify(value) : value}`
  );
  return [name, ...words].join(", ").replace(", ", ": ");
}
