/**
 * Options of the log on disk.
 *
 * @module
 */

import type { Runtime } from "../../runtime/runtime.ts";
import type { Presence } from "../ownership/presence.ts";
import type { DiskQuota } from "./disk_quota.ts";
import type { FsyncPolicy } from "./fsync_scheduler.ts";
import type { LogListener } from "./record_log.ts";

/** Options for a file log. */
export interface FileLogOptions {
  readonly runtime: Runtime;
  /** Directory of all logs; `.weave/wal`. */
  readonly root: string;
  /** Directory of the project's segments, below `root`. */
  readonly directory: string;
  /** 32 hex digits, new for every log. */
  readonly writer: string;
  /** Shows other processes that this one runs. */
  readonly presence: Presence;
  /** Whether this process sends what it writes. */
  readonly sender: boolean;
  readonly fsync: FsyncPolicy;
  /** Ms between data syncs under `interval`. */
  readonly fsyncIntervalMs: number;
  /** Records after which a data sync begins under `interval`. */
  readonly fsyncRecords: number;
  /** Bytes after which a segment is closed and the next one begun. */
  readonly segmentBytes: number;
  /** Whether calls are closed that the end of this process cuts off; `false` by default. */
  readonly closeInterrupted?: boolean;
  /** Keeps the project's directory within its bytes. */
  readonly quota: DiskQuota;
  readonly listener: LogListener;
}
