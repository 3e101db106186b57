/**
 * Assembles the sender of a program or of the command.
 * @module
 */

import type { Clock, Runtime } from "../runtime/runtime.ts";
import { OrphanScanner } from "../wal/orphans/orphan_scanner.ts";
import { MAX_RECORD_BYTES } from "../wal/record/record.ts";
import type { DeadLetter } from "../wal/segment/segment.ts";
import { Semaphore } from "./async/signal.ts";
import type { DeliveryTarget } from "./delivery_client.ts";
import type { RecoveryStart } from "./recovery/directory_recovery_options.ts";
import type { DrainOptions } from "./drain/drain_options.ts";
import type { ServerState } from "./http/circuit_breaker.ts";
import { OutageWatch } from "./outage_watch.ts";
import { actsOnEarlier } from "./records/record_sender.ts";
import { type DirectoriesToScan, Recovery } from "./recovery/recovery.ts";
import { Sender } from "./sender.ts";

/** Number of pending bytes at which a live log no longer lingers. */
const LINGER_BYTES = 512 * 1024;
/** Maximum number of batches that are read and sent at once, across all segments. */
const MAX_ACTIVE_DRAINS = 4;
/** Limits of batches, and callbacks for their outcome. */
export interface DrainSettings {
  readonly deliveryClient: DeliveryTarget;
  /** Maximum bytes and records per batch of calls. */
  readonly batchBytes: number;
  readonly batchRecords: number;
  /** Ms that records of a live segment linger. */
  readonly lingerMs: number;
  /** Whether a call may start in one log and end in another; default `false`. */
  readonly sharesCalls?: boolean | undefined;
  /** Reports delivered and dead-lettered records. */
  readonly onProgress: (delivered: number, deadLetters: readonly DeadLetter[]) => void;
  /** Reports dropped records. */
  readonly onDropped: (records: number) => void;
  /** Reports that a segment was drained and removed, and its size in bytes. */
  readonly onComplete: (bytes: number) => void;
  /** Reports an error that the sender tolerates. */
  readonly onTrouble: (what: string, error: unknown) => void;
}

/** Options for {@linkcode createSender}. */
export interface CreateSenderOptions extends DrainSettings {
  readonly runtime: Runtime;
  /** Base URL of the server. */
  readonly server: string;
  /** Token of this process. */
  readonly token: string;
  /** Root directory of all logs; `null` if there is no disk. */
  readonly root: string | null;
  /** Project directories to search for orphaned segments, requested for every scan. */
  readonly directories: DirectoriesToScan;
  /** Called when another process has taken over a segment of the own log. */
  readonly onLost: () => void;
  /** Called after a scan of all directories without an error. */
  readonly onScanned?: () => void;
  /** Report the start and the completion of the recovery of dead processes' segments. */
  readonly onRecovery: (start: RecoveryStart, sent: number) => void;
  readonly onRecovered: (start: RecoveryStart, sent: number) => void;
}

/** A sender, and its part that sends segments of other processes. */
export interface CreatedSender {
  readonly sender: Sender;
  /** `null` if there is no disk. */
  readonly recovery: Recovery | null;
  /** Must be called at every change of the server's state. */
  serverChanged(state: ServerState): void;
  /** Stops work in progress and releases the leases. Undelivered records stay in the log. */
  stop(): Promise<void>;
}

/** Returns the options of all drains of a sender. */
export function drainOptions(clock: Clock, settings: DrainSettings): DrainOptions {
  const { batchBytes, batchRecords } = settings;
  return {
    clock,
    deliveryClient: settings.deliveryClient,
    limits: {
      bytes: batchBytes,
      records: batchRecords,
      recordBytes: MAX_RECORD_BYTES,
      isExclusive: actsOnEarlier,
    },
    lingerBytes: Math.min(LINGER_BYTES, batchBytes),
    lingerMs: settings.lingerMs,
    sharesCalls: settings.sharesCalls,
    slots: new Semaphore(MAX_ACTIVE_DRAINS),
    onProgress: settings.onProgress,
    onDropped: settings.onDropped,
    onComplete: settings.onComplete,
    onTrouble: settings.onTrouble,
  };
}

export function createSender(options: CreateSenderOptions): CreatedSender {
  const { runtime, deliveryClient, server, token, root, onRecovery, onRecovered } = options;
  const { clock } = runtime;
  const drain = drainOptions(clock, options);
  const recovery = root === null ? null : new Recovery({
    runtime,
    root,
    server,
    token,
    drain,
    scanner: new OrphanScanner({ runtime, root, server, token }),
    directories: options.directories,
    onScanned: options.onScanned,
    isServerReady: () => deliveryClient.breaker.acceptsRequests,
    onProgress: onRecovery,
    onComplete: onRecovered,
    onChange: () => sender.changed(),
  });
  const sender = new Sender({
    clock,
    deliveryClient,
    drain,
    recovery: recovery ?? undefined,
    onTrouble: options.onTrouble,
    onLost: options.onLost,
  });
  const outage = new OutageWatch(clock, deliveryClient, () => {
    recovery?.pause().catch((error) => options.onTrouble("recovery", error));
  });
  return {
    sender,
    recovery,
    serverChanged: (state) => outage.serverChanged(state),
    async stop() {
      await sender.stop();
      outage.stop();
    },
  };
}
