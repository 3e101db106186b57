/**
 * Options for the recovery of one project's directory.
 * @module
 */

import type { Runtime } from "../../runtime/runtime.ts";
import type { OrphanScanner } from "../../wal/orphans/orphan_scanner.ts";
import type { RecordCount } from "../../wal/segment/pending_count.ts";
import type { DrainOptions } from "../drain/drain_options.ts";

/** Start of a recovery. */
export interface RecoveryStart {
  readonly directory: string;
  readonly segments: number;
  /** Number of processes that wrote the segments. */
  readonly processes: number;
  /** Number of their records, an estimate if there are many segments. */
  readonly records: RecordCount;
}

/** Options for {@linkcode DirectoryRecovery}. */
export interface DirectoryRecoveryOptions {
  readonly runtime: Runtime;
  /** Root directory of all logs. */
  readonly root: string;
  readonly directory: string;
  /** Base URL of the server that this sender sends to. */
  readonly server: string;
  /** Token of this process. */
  readonly token: string;
  readonly scanner: OrphanScanner;
  readonly drain: DrainOptions;
  /**
   * Reports that segments of dead processes are being sent, and the number of records sent so far:
   * at the start and at intervals.
   */
  readonly onProgress: (start: RecoveryStart, sent: number) => void;
  /** Reports that all of them were sent, and the number of records. */
  readonly onComplete: (start: RecoveryStart, sent: number) => void;
  /** Returns whether the server accepts requests, or a probe is due. */
  readonly isServerReady: () => boolean;
  /** Called when something was delivered or ended. */
  readonly onChange: () => void;
}
