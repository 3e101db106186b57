/**
 * The pipeline under a client: a log in front, a sender behind.
 *
 * @module
 */

import type { FsyncPolicy } from "../../wal/log/fsync_scheduler.ts";
import type { WalEvent } from "./status/events.ts";
import type { DropCause, ServerStatus } from "./status/counters.ts";
import type { RetryResult } from "../../delivery/retry_dead_letters.ts";
import type { DiskError, LogReport, SenderReport } from "../../wal/ownership/presence_state.ts";
import type { WriteRecord } from "../../wal/log/record_log.ts";
import type { OwnFetch, Runtime } from "../../runtime/runtime.ts";
import type { OtelRecordType } from "../../protocol/otlp/otel_request.ts";
import type { RecordType } from "../../protocol/record_types.ts";

export type { FsyncPolicy };

export type { WriteRecord };

/**
 * Policy for a record that exceeds the disk quota.
 *
 * @example
 * ```ts
 * import { finish, init, type QuotaPolicy } from "@weave-wal/client";
 *
 * const quotaPolicy: QuotaPolicy = "drop-oldest";
 * await init("team/project", { disabled: true, quotaPolicy }); // `wal: true` in a program
 * await finish();
 * ```
 */
export type QuotaPolicy = "drop-new" | "drop-oldest";

/** Everything a pipeline is made from. */
export interface PipelineOptions {
  readonly runtime: Runtime;
  /** The host's `fetch`, or a replacement. */
  readonly fetch: OwnFetch;
  /** Random numbers in [0, 1), for jitter. */
  readonly random: () => number;
  readonly entity: string;
  readonly project: string;
  /** Base URL of the trace server, without a trailing slash. */
  readonly serverUrl: string;
  /** API key; `undefined` only where the sender is off or the server needs none. */
  readonly apiKey: string | undefined;
  /** Records on disk (`true`) or in memory. */
  readonly wal: boolean;
  /** Whether this process sends; `false` needs `wal`. */
  readonly sender: boolean;
  /** A new random token of 32 hex digits at every call. */
  readonly token: () => string;
  /** Directory of the logs, absolute. */
  readonly walDir: string;
  /** Whether a directory that cannot be written is an error; else the log falls back to memory. */
  readonly requireDisk: boolean;
  /**
   * Whether what the disk does not take is refused: `append` throws, and nothing is kept in memory
   * or dropped. Needs `wal`; `false` by default.
   */
  readonly strict?: boolean;
  /** Whether what other processes left is sent too, in all projects; `true` by default. */
  readonly recovers?: boolean;
  readonly fsync: FsyncPolicy;
  /** Ms between data syncs under `interval`. */
  readonly fsyncIntervalMs: number;
  /** Records after which a data sync is begun under `interval`. */
  readonly fsyncRecords: number;
  /** Bytes after which a segment is closed and a new one begun. */
  readonly segmentBytes: number;
  /** Whether calls are closed that the end of this process cuts off; `false` by default. */
  readonly closeInterrupted?: boolean;
  /** Bytes that the logs of this project may take on disk. */
  readonly maxDiskBytes: number;
  readonly quotaPolicy: QuotaPolicy;
  /** Bytes and records that the memory log may hold. */
  readonly maxMemoryBytes: number;
  readonly maxMemoryRecords: number;
  /** Most bytes and records in one batch of calls. */
  readonly batchBytes: number;
  readonly batchRecords: number;
  /** Ms to wait for more records before a small batch is sent. */
  readonly lingerMs: number;
  /** Ms for one HTTP attempt, its answer's body included. */
  readonly timeoutMs: number;
  /** Most ms between two attempts. */
  readonly retryMaxMs: number;
  /** Whether calls are sent as complete calls if the server accepts them. */
  readonly useCallsComplete: boolean;
  /** Maximum ms of the last drain at a normal exit. */
  readonly exitDrainMs: number;
  /** Whether SIGTERM and SIGINT are answered with a last drain. */
  readonly drainOnSignal?: boolean;
  /** Ms that requests have kept the program alive before; they belong to the last drain. */
  readonly heldMs?: () => number;
  /** Called with every state change; must not throw. */
  readonly onEvent: (event: WalEvent) => void;
}

/**
 * Statistics of a pipeline.
 *
 * @example
 * ```ts
 * import { init, type WalStats } from "@weave-wal/client";
 *
 * await using client = await init("team/project", { disabled: true }); // `wal: true` in a program
 * const { pendingRecords, oldestPendingMs }: WalStats = await client.stats();
 * if (pendingRecords > 0) throw new Error(`Oldest record: ${oldestPendingMs} ms`);
 * ```
 */
export interface WalStats {
  /** Place where records are appended now. */
  readonly log: "file" | "memory";
  /** Records that wait: this process's, and those of others that it drains. */
  readonly pendingRecords: number;
  /**
   * Present where `pendingRecords` is an estimate: with more than 64 MiB or 10,000 segments of
   * others waiting, samples of them are read. The bytes are exact.
   */
  readonly pendingEstimated?: true;
  /** Bytes that wait. */
  readonly pendingBytes: number;
  /** Ms since the oldest waiting record was written; `null` when none waits. */
  readonly oldestPendingMs: number | null;
  /** Records that this process took into its log. */
  readonly appended: number;
  /** Records that the server took from this process, also those of earlier processes. */
  readonly delivered: number;
  /** Number of dead-lettered records. */
  readonly deadLettered: number;
  /** Records that were dropped, by cause. */
  readonly dropped: Readonly<Record<DropCause, number>>;
  /** When something was last delivered, epoch ms. */
  readonly lastDelivery: number | null;
  /** The last error; never contains the API key or traced data. */
  readonly lastError: { readonly message: string; readonly at: number } | null;
  /** The server as it was last seen; `nextAttempt` is epoch ms, and `null` while it is up. */
  readonly server: ServerStatus & { readonly nextAttempt: number | null };
  /** Pending records and bytes that only the memory of this process holds. */
  readonly memory: { readonly records: number; readonly bytes: number };
  /** Why the disk takes no records, and since when (epoch ms); `null` while it does. */
  readonly diskError: DiskError | null;
  /**
   * Bytes that the project's directory takes, how many it may, and when it has reached them at the
   * present rate (epoch ms; `null` if it does not grow); `null` without a disk.
   */
  readonly disk: {
    readonly usedBytes: number;
    readonly maxBytes: number;
    readonly fullAt: number | null;
  } | null;
}

/** Reports of a pipeline about its log and its sender, without a count of pending records. */
export interface PipelineReports {
  /** This process: its ID and the name of its host. */
  readonly pid: number | null;
  readonly host: string | null;
  readonly log: LogReport;
  /** `null` where the sender is off. */
  readonly sender: SenderReport | null;
}

/**
 * Limits of a flush.
 *
 * @example
 * ```ts
 * import { finish, flush, type FlushOptions, init } from "@weave-wal/client";
 *
 * await init("team/project", { disabled: true }); // `wal: true` in a program
 * const options: FlushOptions = { timeout: 5000, signal: AbortSignal.timeout(3000) };
 * await flush(options);
 * await finish();
 * ```
 */
export interface FlushOptions {
  /** Ms to wait at most; without it, `flush` waits until all is delivered. */
  timeout?: number;
  /** Stops the waiting (not the sending). Default: none. */
  signal?: AbortSignal;
}

/**
 * Result of a flush.
 *
 * @example
 * ```ts
 * import { finish, type FlushResult, init } from "@weave-wal/client";
 *
 * await init("team/project", { disabled: true }); // `wal: true` in a program
 * const result: FlushResult = await finish({ timeout: 5000 });
 * if (!result.done) throw new Error(`${result.pendingRecords} records wait: ${result.reason}`);
 * ```
 */
export interface FlushResult {
  /** Whether all that was written before is delivered or dead-lettered. */
  readonly done: boolean;
  /** Bytes still waiting in the log. */
  readonly pendingBytes: number;
  /** Records still waiting in the log. */
  readonly pendingRecords: number;
  /** Present where `pendingRecords` is an estimate, as in {@linkcode WalStats}. */
  readonly pendingEstimated?: true;
  /** Records delivered so far by this process. */
  readonly delivered: number;
  /** Records dead-lettered so far by this process. */
  readonly deadLettered: number;
  /** Why it is not done; absent when it is. */
  readonly reason?: "timeout" | "aborted" | "sender-off";
}

/** Result of waiting for the delivery of this process's own records. */
export type DeliveryWait =
  | { readonly end: "delivered" | "timeout" | "sender-off" }
  /** The server does not take requests, and says or shows why. */
  | { readonly end: "unreachable"; readonly reason: string };

/** The log and its sender, as a client uses them. */
export interface Pipeline {
  /** Appends one request (its JSON text on one line). Throws only where the pipeline is strict. */
  append(type: RecordType, request: string): void;
  /**
   * Notes that a span has begun, so that it is ended at recovery if its end is cut off. Does
   * nothing where the log is not on disk. Never throws.
   *
   * @param request The span as it is now.
   */
  noteSpanStart?(type: OtelRecordType, request: string): void;
  /** Forces the log to stable storage; rejects with the host's error when that cannot be done. */
  sync(): Promise<void>;
  /**
   * Waits until all appended so far is delivered or dead-lettered, and what dead processes left,
   * whichever process sends it.
   */
  flush(options?: FlushOptions): Promise<FlushResult>;
  /**
   * Waits until all that this process appended so far is delivered or dead-lettered, `timeout` ms
   * at most, and less where the server does not take requests.
   */
  delivered(timeout: number): Promise<DeliveryWait>;
  /**
   * Returns its statistics. Counts the pending records, so it reads a bounded part of the backlog.
   */
  stats(): Promise<WalStats>;
  /** Its log and its sender, as other processes see them. */
  reports(): PipelineReports;
  /** The server's digest for one that was provisional, where it is known; else the same. */
  finalDigest(digest: string): string;
  /**
   * Sends the project's dead letters again that the server refused; those that fail again stay.
   * Waits as long as the server takes, or until `signal` is aborted.
   */
  retryDeadLetters(options?: { signal?: AbortSignal }): Promise<RetryResult>;
  /**
   * Flushes, stops the sender, closes the log. What another process sends is neither waited for nor
   * counted.
   */
  finish(options?: FlushOptions): Promise<FlushResult>;
}

/** The part of a pipeline that writers need whose records other processes may send. */
export type WriterPipeline = Pick<Pipeline, "append" | "flush" | "finish" | "finalDigest">;

/** A pipeline that refuses what its log does not take. */
export interface StrictPipeline extends WriterPipeline, Pick<Pipeline, "sync"> {
  /** Whether records may hold provisional digests, which its sender replaces. */
  readonly resolvesDigests: boolean;
  /**
   * Appends several requests with one write: all of them, or none when it throws.
   *
   * @returns Where the log acknowledges each write by itself, a promise of that: it rejects with
   *   `ERR_LOG_FULL` or `ERR_LOG_UNREACHABLE`. Otherwise `sync()` says when they are safe.
   * @throws {WeaveWalError} `ERR_LOG_FULL` over the quota, `ERR_LOG_CLOSED` after `finish()`;
   *   otherwise the host's error.
   */
  appendAll(records: readonly WriteRecord[]): Promise<void> | void;
}
