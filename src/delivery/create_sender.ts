/**
 * Puts a sender together: for a program, and for the command.
 *
 * @module
 */

import type { Runtime, Timer } from "../runtime/runtime.ts";
import { OrphanScanner } from "../wal/ownership/orphan_scanner.ts";
import type { DeadLetter } from "../wal/segment/segment.ts";
import { Semaphore } from "./async/signal.ts";
import type { Deliverer } from "./delivery_client.ts";
import type { RecoveryStart } from "./directory_recovery_options.ts";
import type { DrainOptions } from "./drain.ts";
import type { ServerState } from "./http/circuit_breaker.ts";
import { actsOnEarlier } from "./records/record_sender.ts";
import { Recovery } from "./recovery.ts";
import { Sender } from "./sender.ts";

/** Bytes of one record that are read into memory at most: the server's own request limit. */
export const MAX_RECORD_BYTES: number = 33 * 1024 * 1024;
/** Bytes with which a live log does not wait for more. */
const LINGER_BYTES = 512 * 1024;
/** Windows read and sent at once, of all segments. */
const MAX_ACTIVE_DRAINS = 4;
/**
 * Ms without a response after which orphaned segments are left to processes that may reach the server.
 * One that responds with errors may be reacting to a record, which has to be isolated.
 */
const PAUSE_AFTER_MS = 30_000;

/** Options for {@linkcode createSender}. */
export interface CreateSenderOptions {
  readonly runtime: Runtime;
  readonly deliverer: Deliverer;
  /** Base URL of the server. */
  readonly server: string;
  /** The token of this process. */
  readonly token: string;
  /** Directory of all logs; `null` if there is no disk. */
  readonly root: string | null;
  /** The project directories in which orphaned segments are looked for, asked at every scan. */
  readonly directories: () => string[];
  /** Most bytes and records in one batch of calls. */
  readonly batchBytes: number;
  readonly batchRecords: number;
  /** Ms that records of a live segment wait for more. */
  readonly lingerMs: number;
  /** Reports records that were delivered or dead-lettered. */
  readonly onProgress: (delivered: number, deadLetters: readonly DeadLetter[]) => void;
  /** Reports records that were given up. */
  readonly onDropped: (records: number) => void;
  /** Reports that a segment was drained and removed, and its size in bytes. */
  readonly onComplete: (bytes: number) => void;
  /** Reports an error that the sender tolerates. */
  readonly onTrouble: (what: string, error: unknown) => void;
  /** Called when another process has taken over a segment of the own log. */
  readonly onLost: () => void;
  /** Reports that segments of dead processes are being sent, and that they were. */
  readonly onRecovery: (start: RecoveryStart) => void;
  readonly onRecovered: (start: RecoveryStart) => void;
}

/** A sender, and the part of it that sends what other processes left. */
export interface CreatedSender {
  readonly sender: Sender;
  /** `null` if there is no disk. */
  readonly recovery: Recovery | null;
  /** To be called at every change of the server's state. */
  serverChanged(state: ServerState): void;
  /** Stops everything in progress and gives the leases back. What is left stays in the log. */
  stop(): Promise<void>;
}

/** Makes a sender that has not begun. */
export function createSender(options: CreateSenderOptions): CreatedSender {
  const { runtime, deliverer, server, token, root, batchBytes, onRecovery, onRecovered } = options;
  const { clock } = runtime;
  const drain: DrainOptions = {
    clock,
    deliverer,
    limits: {
      bytes: batchBytes,
      records: options.batchRecords,
      recordBytes: MAX_RECORD_BYTES,
      isExclusive: actsOnEarlier,
    },
    lingerBytes: Math.min(LINGER_BYTES, batchBytes),
    lingerMs: options.lingerMs,
    slots: new Semaphore(MAX_ACTIVE_DRAINS),
    onProgress: options.onProgress,
    onDropped: options.onDropped,
    onComplete: options.onComplete,
    onTrouble: options.onTrouble,
  };
  const recovery = root === null ? null : new Recovery({
    runtime,
    root,
    server,
    token,
    drain,
    scanner: new OrphanScanner({ runtime, root, server, token }),
    directories: options.directories,
    isServerReady: () => deliverer.gate.acceptsRequests,
    onStart: onRecovery,
    onComplete: onRecovered,
    onChange: () => sender.changed(),
  });
  const sender = new Sender({
    clock,
    deliverer,
    drain,
    recovery: recovery ?? undefined,
    onTrouble: options.onTrouble,
    onLost: options.onLost,
  });
  let outage: Timer | null = null;
  const pause = (): void => void recovery?.pause().catch((e) => options.onTrouble("recovery", e));
  // Again and again: each probe that is due lets the recovery try once more.
  const pauseLater = (): void => {
    outage = clock.after(PAUSE_AFTER_MS, () => {
      if (deliverer.isServerSilent) pause();
      pauseLater();
    });
  };
  return {
    sender,
    recovery,
    serverChanged(state) {
      outage?.cancel();
      outage = null;
      if (deliverer.stopped.aborted) return;
      if (state === "down") pauseLater();
      else if (state === "blocked") pause();
    },
    async stop() {
      await sender.stop();
      outage?.cancel();
    },
  };
}
