/**
 * Options of the log on disk.
 *
 * @module
 */

import type { Runtime } from "../../runtime/runtime.ts";
import type { Presence } from "../processes/presence.ts";
import type { DiskQuota } from "../quota/disk_quota.ts";
import type { FsyncPolicy } from "./fsync_scheduler.ts";
import type { LogListener } from "./record_log.ts";

/** Options for {@linkcode FileLog}. */
export interface FileLogOptions {
  readonly runtime: Runtime;
  /** Root directory of all logs; `.weave/wal`. */
  readonly root: string;
  /** Directory of the project's segments, inside `root`. */
  readonly directory: string;
  /** Token of this log, 32 hex digits; new for every log. */
  readonly writer: string;
  /** Shows other processes that this one is running. */
  readonly presence: Presence;
  /** Whether this process sends what it writes. */
  readonly sender: boolean;
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
  /** Keeps the project's directory within its quota. */
  readonly quota: DiskQuota;
  readonly listener: LogListener;
}
