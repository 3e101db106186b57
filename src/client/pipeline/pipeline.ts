/**
 * The pipeline of a client: a log and a sender.
 *
 * @module
 */

import type { FsyncPolicy } from "../../wal/log/fsync_scheduler.ts";
import type { WalEvent } from "./status/events.ts";
import type { DropCause, ServerStatus } from "./status/counters.ts";
import type { WaitLimits } from "../../delivery/delivery_wait.ts";
import type { RetryResult } from "../../delivery/dead_letters/resend_dead_letters.ts";
import type { DiskError, LogReport, SenderReport } from "../../wal/processes/presence_state.ts";
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

/** Options for a pipeline. */
export interface PipelineOptions {
  readonly runtime: Runtime;
  /** The runtime's `fetch`, or a replacement. */
  readonly fetch: OwnFetch;
  /** Returns random numbers in [0, 1), for jitter. */
  readonly random: () => number;
  readonly entity: string;
  readonly project: string;
  /** Base URL of the trace server, without a trailing slash. */
  readonly serverUrl: string;
  /** API key; `undefined` only if the sender is disabled or the server needs none. */
  readonly apiKey: string | undefined;
  /** Stores records on disk; otherwise in memory. */
  readonly wal: boolean;
  /** Whether this process sends; `false` requires `wal`. */
  readonly sender: boolean;
  /** Returns a new random token of 32 hex digits. */
  readonly token: () => string;
  /** Absolute path of the root directory of all logs. */
  readonly walDir: string;
  /** Whether an unwritable directory is an error; otherwise the log falls back to memory. */
  readonly requireDisk: boolean;
  /**
   * Whether records that cannot be written to disk are refused: `append` throws, and nothing is
   * kept in memory or dropped. Requires `wal`; default `false`.
   */
  readonly strict?: boolean;
  /** Also sends orphaned segments of other processes, in all projects; default `true`. */
  readonly recovers?: boolean;
  /** Whether this log may have ends of calls that started in other logs; default `false`. */
  readonly sharesCalls?: boolean;
  readonly fsync: FsyncPolicy;
  /** Ms between data syncs with `interval`. */
  readonly fsyncIntervalMs: number;
  /** Number of records after which a data sync begins with `interval`. */
  readonly fsyncRecords: number;
  /** Bytes after which a segment is closed and a new one is created. */
  readonly segmentBytes: number;
  /**
   * Whether recovery ends the calls that this process leaves open when it dies; default `false`.
   */
  readonly closeInterrupted?: boolean;
  /** Maximum bytes on disk of this project's logs. */
  readonly maxDiskBytes: number;
  readonly quotaPolicy: QuotaPolicy;
  /** Maximum bytes and records of the memory log. */
  readonly maxMemoryBytes: number;
  readonly maxMemoryRecords: number;
  /** Maximum bytes and records in one batch of calls. */
  readonly batchBytes: number;
  readonly batchRecords: number;
  /** Ms to wait for more records before a small batch is sent. */
  readonly lingerMs: number;
  /** Timeout in ms of one HTTP attempt, including the response body. */
  readonly timeoutMs: number;
  /** Maximum ms between two attempts. */
  readonly retryMaxMs: number;
  /** Sends complete calls, if the server supports that. */
  readonly useCallsComplete: boolean;
  /** Maximum ms of the final drain at a normal exit. */
  readonly exitDrainMs: number;
  /** Drains on SIGTERM and SIGINT. */
  readonly drainOnSignal?: boolean;
  /**
   * Returns the ms for which requests already kept the program alive; they count towards the final
   * drain.
   */
  readonly heldMs?: () => number;
  /** Called with every event; must not throw. */
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
  /** Storage of new records. */
  readonly log: "file" | "memory";
  /** Number of pending records: those of this process, and those of others that it drains. */
  readonly pendingRecords: number;
  /**
   * Present if `pendingRecords` is an estimate: if more than 64 MiB or 10,000 segments of other
   * processes are pending, they are sampled. The bytes are exact.
   */
  readonly pendingEstimated?: true;
  /** Number of pending bytes. */
  readonly pendingBytes: number;
  /** Ms since the oldest pending record was written; `null` if none is pending. */
  readonly oldestPendingMs: number | null;
  /** Number of records that this process has appended to its log. */
  readonly appended: number;
  /** Number of records that this process has delivered, including those of earlier processes. */
  readonly delivered: number;
  /** Number of records that this process has dead-lettered. */
  readonly deadLettered: number;
  /** The same by reason (`refused`, `unsendable`, `corrupt`, …), without those that did not occur. */
  readonly deadLettersByReason: Readonly<Record<string, number>>;
  /** Number of dropped records, by cause. */
  readonly dropped: Readonly<Record<DropCause, number>>;
  /** Time of the last delivery, epoch ms. */
  readonly lastDelivery: number | null;
  /** The last error; never contains the API key or traced data. */
  readonly lastError: { readonly message: string; readonly at: number } | null;
  /**
   * Last known state of the server; `nextAttempt` is epoch ms, and `null` while the server is up.
   */
  readonly server: ServerStatus & { readonly nextAttempt: number | null };
  /** Pending records and bytes that exist only in this process's memory. */
  readonly memory: { readonly records: number; readonly bytes: number };
  /** Why the disk fails, and since when (epoch ms); `null` if it does not. */
  readonly diskError: DiskError | null;
  /**
   * Why records on disk cannot be fsynced: they survive the end of the process, but perhaps not a
   * crash of the machine. `null` if they can, or if none had to be yet.
   */
  readonly syncError: DiskError | null;
  /**
   * Bytes in use by the project's directory, their limit, and when the limit is reached at the
   * current rate (epoch ms; `null` if usage does not grow); `null` without a disk.
   */
  readonly disk: {
    readonly usedBytes: number;
    readonly maxBytes: number;
    readonly fullAt: number | null;
  } | null;
}

/** A pipeline's reports about its log and its sender, without counting pending records. */
export interface PipelineReports {
  /** ID of this process, and name of its host. */
  readonly pid: number | null;
  readonly host: string | null;
  readonly log: LogReport;
  /** `null` if the sender is disabled. */
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
  /** Maximum ms to wait; by default, `flush` waits until everything is delivered. */
  timeout?: number;
  /** Stops waiting (not sending). Default: none. */
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
  /** Whether everything written before is delivered or dead-lettered. */
  readonly done: boolean;
  /** Bytes still pending in the log. */
  readonly pendingBytes: number;
  /** Records still pending in the log. */
  readonly pendingRecords: number;
  /** Present if `pendingRecords` is an estimate, as in {@linkcode WalStats}. */
  readonly pendingEstimated?: true;
  /** Number of records delivered so far by this process. */
  readonly delivered: number;
  /** Number of records dead-lettered so far by this process. */
  readonly deadLettered: number;
  /** Why it is not done; absent if it is. */
  readonly reason?: "timeout" | "aborted" | "sender-off";
}

/** Result of waiting for the delivery of this process's own records. */
export type DeliveryWait =
  | { readonly end: "delivered" | "timeout" | "sender-off" }
  /** The server is not accepting requests, with the reason. */
  | { readonly end: "unreachable"; readonly reason: string };

/** The log and its sender, as used by a client. */
export interface Pipeline {
  /** Appends one request (its JSON text on one line). Throws only if the pipeline is strict. */
  append(type: RecordType, request: string): void;
  /**
   * Records the start of a span, so that recovery can end the span if its end is missing. Does
   * nothing if the log is not on disk. Never throws.
   *
   * @param request The span in its current state.
   */
  noteSpanStart?(type: OtelRecordType, request: string): void;
  /** Syncs the log to stable storage; rejects with the file system error. */
  sync(): Promise<void>;
  /**
   * Waits until everything appended so far, and all records of dead processes, are delivered or
   * dead-lettered, regardless of which process sends them.
   */
  flush(options?: WaitLimits): Promise<FlushResult>;
  /**
   * Waits until everything that this process appended so far is delivered or dead-lettered, for at
   * most `timeout` ms, and less if the server is not accepting requests.
   */
  delivered(timeout: number): Promise<DeliveryWait>;
  /**
   * Returns statistics. Counts pending records, for which it reads a bounded part of the backlog.
   */
  stats(): Promise<WalStats>;
  /** Returns reports about its log and its sender, as other processes see them. */
  reports(): PipelineReports;
  /** Returns the server's digest for a provisional one, if known; otherwise returns `digest`. */
  finalDigest(digest: string): string;
  /**
   * Sends the project's rejected dead letters again; those that fail again stay. Waits until the
   * server has accepted them, or until `signal` is aborted.
   */
  retryDeadLetters(options?: { signal?: AbortSignal }): Promise<RetryResult>;
  /**
   * Flushes, stops the sender and closes the log. Records that another process is sending are
   * neither awaited nor counted.
   */
  finish(options?: FlushOptions): Promise<FlushResult>;
}

/** The part of a pipeline for writers whose records other processes may send. */
export type WriterPipeline = Pick<Pipeline, "append" | "flush" | "finish" | "finalDigest">;

/** A pipeline that refuses records that its log cannot store. */
export interface StrictPipeline extends WriterPipeline, Pick<Pipeline, "sync"> {
  /** Whether records may contain provisional digests, which its sender replaces. */
  readonly resolvesDigests: boolean;
  /**
   * Appends several requests with one write: all of them, or none if it throws.
   *
   * @returns If the log acknowledges each write itself, a promise for that, which rejects with
   * `ERR_LOG_FULL` or `ERR_LOG_UNREACHABLE`. Otherwise `sync()` reports when they are safe.
   * @throws {WeaveWalError} `ERR_LOG_FULL` if the quota is exhausted, `ERR_LOG_CLOSED` after
   * `finish()`; otherwise the file system error.
   */
  appendAll(records: readonly WriteRecord[]): Promise<void> | void;
}
