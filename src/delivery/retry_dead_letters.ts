/**
 * Sends dead letters again: after a mistake at the server was fixed, or a limit raised.
 *
 * @module
 */

import { hasCode } from "../errors.ts";
import type { Runtime, Timer } from "../runtime/runtime.ts";
import {
  type DeadLetterEntry,
  isTornEntry,
  readDeadLetters,
} from "../wal/dead_letters/dead_letter_reader.ts";
import {
  DeadLetterStore,
  type DeadLetterTransaction,
  unfinishedTransactions,
} from "../wal/dead_letters/dead_letter_transaction.ts";
import { isKeyDirectory } from "../wal/ownership/python_writer.ts";
import { HEARTBEAT_MS } from "../wal/ownership/failure_detector.ts";
import { deadLettersAreFor, listSegments } from "../wal/ownership/segment_status.ts";
import { isProcessToken, parseStem, segmentPaths } from "../wal/segment/segment_name.ts";
import type { DeadLetter } from "../wal/segment/segment.ts";
import { PendingStarts } from "./calls/pending_starts.ts";
import { batchOf, refusedAgain } from "./dead_letter_batch.ts";
import type { DeliveryClient } from "./delivery_client.ts";
import { Stopped } from "./http/send_with_retry.ts";
import { actsOnEarlier } from "./records/record_sender.ts";

/** The place of a dead letter. */
export interface DeadLetterPlace {
  /** The project's directory. */
  readonly directory: string;
  /** The segment that it comes from. */
  readonly stem: string;
}

/** Options for a retry. */
export interface RetryOptions {
  readonly runtime: Runtime;
  readonly deliveryClient: DeliveryClient;
  /** Base URL of the server; dead letters that may be for another one are left alone. */
  readonly server: string;
  /** Sends them all the same: the user has named them. */
  readonly anyServer?: boolean;
  /** Names this process in its claims: 32 hex digits. */
  readonly token: string;
  /** The projects' directories. */
  readonly directories: readonly string[];
  /** Which dead letters are sent again; those that the server refused unless given. */
  readonly select?: (entry: DeadLetterEntry, place: DeadLetterPlace) => boolean;
  /** Ends the retry; what was not answered stays. */
  readonly stop?: AbortSignal;
  /** Called after every batch. */
  readonly onProgress?: (result: RetryResult) => void;
}

/**
 * The outcome of a retry.
 *
 * @example
 * ```ts
 * import { init, type RetryResult } from "@weave-wal/client";
 *
 * await using client = await init("team/project", { disabled: true }); // `wal: true` in a program
 * const { delivered, refused }: RetryResult = await client.retryDeadLetters();
 * if (delivered + refused > 0) throw new Error("A disabled client has no dead letters");
 * ```
 */
export interface RetryResult {
  /** Number of dead letters that the server accepted. */
  readonly delivered: number;
  /** Number of dead letters that it rejected again; they stay, with the new reason. */
  readonly refused: number;
  /** Number of dead letters that contain no record; they stay. */
  readonly unreadable: number;
  /** Directories whose dead letters another process holds. */
  readonly busy: readonly string[];
  /** Whether it was ended early. */
  readonly stopped: boolean;
}

const MAX_BATCH_BYTES = 4 * 1024 * 1024;
const MAX_BATCH_RECORDS = 500;
/** Reasons that another version of the server, or of this package, may not have any more. */
const SENT_AGAIN = ["refused", "unsendable"];

/**
 * Whether a dead letter is sent again unless others are chosen. The Python SDK names no reason: it sets
 * aside what fails once, and what its sender does not know.
 */
export function isSentAgain({ type, error: { reason } }: DeadLetterEntry): boolean {
  return SENT_AGAIN.includes(reason) || (reason === "unknown" && type !== null);
}

/**
 * Sends dead letters again, each with the bytes that it had; keeps those that fail again.
 *
 * Resolves when all were answered, however long the server takes, or when `stop` is aborted. Rejects
 * with the host's error when the disk fails; then nothing is lost, and a dead letter that was
 * delivered may still be there.
 */
export async function retryDeadLetters(options: RetryOptions): Promise<RetryResult> {
  const { runtime, token, directories } = options;
  const retry = new Retry(options);
  try {
    for (const directory of directories) {
      if (retry.stopped) break;
      const stems = await stemsToRetry(options, directory);
      if (stems.length === 0) continue;
      const store = DeadLetterStore.claim(runtime, directory, token);
      if (store === null) {
        retry.busy.push(directory);
        continue;
      }
      const heartbeat = startHeartbeat(runtime, store);
      try {
        for (const stem of stems) {
          if (!retry.stopped) await retry.file(store, { directory, stem });
        }
      } finally {
        heartbeat.cancel();
        store.release();
      }
    }
    return retry.result();
  } finally {
    retry.end();
  }
}

class Retry {
  readonly busy: string[] = [];
  readonly #options: RetryOptions;
  readonly #stop = new AbortController();
  readonly #abort = (): void => this.#stop.abort();
  readonly #signals: readonly AbortSignal[];
  #delivered = 0;
  #refused = 0;
  #unreadable = 0;

  constructor(options: RetryOptions) {
    this.#options = options;
    this.#signals = [options.stop, options.deliveryClient.stopped].filter((signal) => !!signal);
    for (const signal of this.#signals) {
      if (signal.aborted) this.#stop.abort();
      signal.addEventListener("abort", this.#abort, { once: true });
    }
  }

  /** Listens no more: the deliveryClient lives on, and a program may retry as often as it likes. */
  end(): void {
    for (const signal of this.#signals) signal.removeEventListener("abort", this.#abort);
  }

  get stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  result(): RetryResult {
    return {
      delivered: this.#delivered,
      refused: this.#refused,
      unreadable: this.#unreadable,
      busy: this.busy,
      stopped: this.stopped,
    };
  }

  async file(store: DeadLetterStore, place: DeadLetterPlace): Promise<void> {
    const transaction = await store.begin(place.stem);
    if (transaction === null) return;
    try {
      await this.#sendAll(transaction, place);
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
      this.#stop.abort();
    } finally {
      await transaction.rollback();
    }
  }

  async #sendAll(transaction: DeadLetterTransaction, place: DeadLetterPlace): Promise<void> {
    let entries: DeadLetterEntry[] = [];
    let bytes = 0;
    const flush = async (): Promise<void> => {
      if (entries.length > 0) await this.#send(transaction, entries);
      entries = [];
      bytes = 0;
    };
    for await (const entry of transaction.entries()) {
      if (this.stopped) return;
      if (!isSelected(this.#options, entry, place)) continue;
      if (entry.type === null) {
        this.#unreadable++;
        continue;
      }
      const isExclusive = actsOnEarlier(entry.type);
      const full = bytes + entry.length > MAX_BATCH_BYTES || entries.length === MAX_BATCH_RECORDS;
      if (isExclusive || full) await flush();
      entries.push(entry);
      bytes += entry.length;
      if (isExclusive) await flush();
    }
    await flush();
  }

  async #send(
    transaction: DeadLetterTransaction,
    entries: readonly DeadLetterEntry[],
  ): Promise<void> {
    const { deliveryClient, runtime: { clock }, onProgress } = this.#options;
    const { batch, offsets } = batchOf(entries);
    const none = new PendingStarts(clock);
    const permit = { stop: this.#stop.signal, assertHeld: () => transaction.assertHeld() };
    const deadLetters = await deliveryClient.prepare(batch, permit, none, false).send();
    const refused = new Map<DeadLetterEntry, DeadLetter>();
    for (const deadLetter of deadLetters) {
      const entry = offsets.get(deadLetter.offset);
      if (entry) refused.set(entry, deadLetter);
    }
    transaction.remove(entries.filter((entry) => !refused.has(entry)));
    await transaction.replace(
      [...refused].map((
        [entry, deadLetter],
      ) => [entry, refusedAgain(entry, deadLetter, clock.now())]),
    );
    this.#delivered += entries.length - refused.size;
    this.#refused += refused.size;
    onProgress?.(this.result());
  }
}

/** The segments of a project that have something to send again. */
async function stemsToRetry(options: RetryOptions, directory: string): Promise<string[]> {
  const { runtime, runtime: { files } } = options;
  if (files.stat(directory) === null) return [];
  // Those are put back first; whether they are wanted is seen then.
  const found = unfinishedTransactions(files, directory);
  for (const stem of await listSegments(runtime, directory)) {
    if (!stem.suffixes.has(".deadletter") || found.includes(stem.stem)) continue;
    try {
      for await (const entry of readDeadLetters(runtime.files, stem.paths.deadLetters)) {
        if (!isSelected(options, entry, { directory, stem: stem.stem })) continue;
        found.push(stem.stem);
        break;
      }
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error; // Another process has sent them again.
    }
  }
  return found;
}

function isSelected(
  { select, runtime, server, anyServer }: RetryOptions,
  entry: DeadLetterEntry,
  place: DeadLetterPlace,
): boolean {
  if (isTornEntry(entry)) return false;
  if (!(select ? select(entry, place) : isSentAgain(entry))) return false;
  return anyServer || mayGoTo(runtime, server, entry, place);
}

/** Whether a dead letter may be for `server`. Those of the Python SDK name none, as its logs do. */
export function mayGoTo(
  runtime: Runtime,
  server: string,
  { error }: DeadLetterEntry,
  { directory, stem }: DeadLetterPlace,
): boolean {
  if (error.server !== undefined) return error.server === server;
  const paths = segmentPaths(directory, stem);
  const isProcess = isProcessToken(parseStem(stem)?.writer ?? "");
  if (!isProcess && (error.reason === "unknown" || isKeyDirectory(directory))) return true;
  return deadLettersAreFor(runtime, { directory, stem, paths, suffixes: new Set() }, server);
}

/** Shows every few seconds that the claim on the dead letters is alive. */
function startHeartbeat({ clock }: Runtime, store: DeadLetterStore): Timer {
  let timer: Timer;
  const again = (): void => {
    timer = clock.after(HEARTBEAT_MS, () => {
      try {
        store.heartbeat();
      } catch {
        // A full disk; the claim is looked at before anything is removed.
      }
      again();
    });
  };
  again();
  return { cancel: () => timer.cancel() };
}
