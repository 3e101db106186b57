/**
 * The log as its writers see it. `file_log.ts` and `memory_log.ts` keep it in this process,
 * `failover_log.ts` puts one behind the other, and `src/jetstream/` keeps it on other machines.
 *
 * @module
 */

import type { RecordType } from "../../protocol/record_types.ts";
import type { Segment } from "../segment/segment.ts";

/** One request with the type of its record. */
export type WriteRecord = readonly [type: RecordType, request: string];

/** The log of requests that wait to be sent. */
export interface RequestLog {
  /** Whether records are on disk, in memory, or in the stream of an engine on other machines. */
  readonly kind: "file" | "memory" | "stream";
  /**
   * Appends one request, synchronously. `request` is its JSON text on one line (what
   * `JSON.stringify` gives), kept byte for byte. When it returns, a file log has the record in the
   * page cache: it survives the end of the process. A stream log has sent it, and only `sync` says
   * whether it arrived. When it throws, no part of it is in the log.
   */
  append(type: RecordType, request: string): void;
  /** Records and bytes appended so far. */
  readonly written: { readonly records: number; readonly bytes: number };
  /**
   * Forces everything appended so far to stable storage; a memory log resolves at once, a stream log
   * when a quorum of nodes has it. Rejects with the host's error, code `ENOTSUP` where the host or the
   * file system cannot do it; a stream log with `ERR_LOG_FULL` or `ERR_LOG_UNREACHABLE`.
   */
  sync(): Promise<void>;
  /** Closes the current segment; the next record begins a new one. */
  rotate(): void;
  /** Shows that the writer lives. */
  heartbeat(): void;
  /** Ends the log: what it holds is final and can be drained to its end. */
  close(): void;
  /** Resolves when nothing of the log goes on in the background. */
  settled(): Promise<void>;
}

/** A log that this process keeps by itself. */
export type LocalLog = RequestLog & { readonly kind: "file" | "memory" };

/** Events of a log while it is written. */
export interface LogListener {
  /** A segment that this process is to drain was begun; segments are reported in order. */
  onSegment(segment: Segment): void;
  /** There may be more to drain than before. */
  onAppend(): void;
  /** Data could not be forced to stable storage. */
  onSyncError(error: unknown): void;
  /**
   * This host or file system cannot force data to stable storage at all; called once a log. The log
   * stays on disk, and survives the process but not the machine.
   */
  onSyncUnsupported(error: unknown): void;
  /** The current segment's file has lost its name; the next record begins a new one. */
  onDetached(): void;
}
