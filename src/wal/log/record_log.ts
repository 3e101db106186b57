/**
 * The log as its writers see it. `file_log.ts` and `memory_log.ts` keep it in this process,
 * `failover_log.ts` combines the two, and `src/jetstream/` keeps it on other machines.
 *
 * @module
 */

import type { RecordType } from "../../protocol/record_types.ts";
import type { Segment } from "../segment/segment.ts";

/** One request with its record type. */
export type WriteRecord = readonly [type: RecordType, request: string];

/** The log of requests waiting to be sent. */
export interface RequestLog {
  /** Whether records are on disk, in memory, or in a stream on other machines. */
  readonly kind: "file" | "memory" | "stream";
  /**
   * Appends one request, synchronously. `request` is its JSON text on one line (as from
   * `JSON.stringify`), and is kept byte for byte. On return, a file log has the record in the page
   * cache, where it survives the end of the process. A stream log has sent it, and only `sync`
   * reports whether it arrived. If it throws, no part of the record is in the log.
   */
  append(type: RecordType, request: string): void;
  /** Records and bytes appended so far. */
  readonly written: { readonly records: number; readonly bytes: number };
  /**
   * Syncs everything appended so far to stable storage. A memory log resolves at once, a stream log
   * when a quorum of nodes has the records. Rejects with the file system error, code `ENOTSUP` if
   * syncing is not supported; a stream log with `ERR_LOG_FULL` or `ERR_LOG_UNREACHABLE`.
   */
  sync(): Promise<void>;
  /** Closes the current segment; the next record starts a new one. */
  rotate(): void;
  /** Sends a heartbeat of the writer. */
  heartbeat(): void;
  /** Closes the log: its contents are final and can be drained to the end. */
  close(): void;
  /** Resolves when the log has no background work left. */
  settled(): Promise<void>;
}

/** A log kept by this process. */
export type LocalLog = RequestLog & { readonly kind: "file" | "memory" };

/** Events of a log that is being written. */
export interface LogListener {
  /** Called for each new segment that this process drains, in order. */
  onSegment(segment: Segment): void;
  /** Called when there may be more to drain. */
  onAppend(): void;
  /** Called when data could not be synced. */
  onSyncError(error: unknown): void;
  /**
   * Called once per log if this host or file system does not support syncing. The log stays on
   * disk, and survives the process but not the machine.
   */
  onSyncUnsupported(error: unknown): void;
  /**
   * Called when the current segment's file was deleted or replaced; the next record starts a new
   * one.
   */
  onDetached(): void;
}
