/**
 * Sends the dead letters that this process holds again, in batches.
 * @module
 */

import type { Clock } from "../../runtime/runtime.ts";
import type { DeadLetterEntry } from "../../wal/dead_letters/dead_letter_reader.ts";
import type { HeldDeadLetters } from "../../wal/dead_letters/held_dead_letters.ts";
import type { DeadLetter } from "../../wal/segment/segment.ts";
import { PendingCalls } from "../calls/pending_calls.ts";
import { batchOf, refusedAgain } from "./dead_letter_batch.ts";
import type { DeliveryClient } from "../delivery_client.ts";
import { Stopped } from "../http/send_with_retry.ts";
import { actsOnEarlier } from "../records/record_sender.ts";

/**
 * Outcome of a retry.
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
  /** Number of dead letters without a readable record; they stay. */
  readonly unreadable: number;
  /** Directories whose dead letters another process holds. */
  readonly busy: readonly string[];
  /** Whether it was stopped early. */
  readonly stopped: boolean;
}

/** Options for {@linkcode Resend}. */
export interface ResendOptions {
  readonly deliveryClient: DeliveryClient;
  readonly clock: Clock;
  /** Ends the retry; unacknowledged dead letters stay. */
  readonly stop?: AbortSignal;
  /** Called after every batch. */
  readonly onProgress?: (result: RetryResult) => void;
}

const MAX_BATCH_BYTES = 4 * 1024 * 1024;
const MAX_BATCH_RECORDS = 500;

/** Sends dead letters, and counts the responses. */
export class Resend {
  /** Locations whose dead letters another process holds. */
  readonly busy: string[] = [];
  readonly #options: ResendOptions;
  readonly #stop = new AbortController();
  readonly #abort = (): void => this.#stop.abort();
  readonly #signals: readonly AbortSignal[];
  #delivered = 0;
  #refused = 0;
  #unreadable = 0;

  constructor(options: ResendOptions) {
    this.#options = options;
    this.#signals = [options.stop, options.deliveryClient.stopped].filter((signal) => !!signal);
    for (const signal of this.#signals) {
      if (signal.aborted) this.#stop.abort();
      signal.addEventListener("abort", this.#abort, { once: true });
    }
  }

  /**
   * Removes the listeners: the delivery client lives on, and a program may retry any number of
   * times.
   */
  end(): void {
    for (const signal of this.#signals) signal.removeEventListener("abort", this.#abort);
  }

  /** Whether it was stopped early. */
  get stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Returns the counts so far. */
  result(): RetryResult {
    return {
      delivered: this.#delivered,
      refused: this.#refused,
      unreadable: this.#unreadable,
      busy: this.busy,
      stopped: this.stopped,
    };
  }

  /** Sends the selected dead letters, and returns the undelivered ones to the store. */
  async send(
    held: HeldDeadLetters,
    isSelected: (entry: DeadLetterEntry) => boolean,
  ): Promise<void> {
    try {
      await this.#sendAll(held, isSelected);
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
      this.#stop.abort();
    } finally {
      await held.rollback();
    }
  }

  async #sendAll(
    held: HeldDeadLetters,
    isSelected: (entry: DeadLetterEntry) => boolean,
  ): Promise<void> {
    let entries: DeadLetterEntry[] = [];
    let bytes = 0;
    const flush = async (): Promise<void> => {
      if (entries.length > 0) await this.#send(held, entries);
      entries = [];
      bytes = 0;
    };
    for await (const entry of held.entries()) {
      if (this.stopped) return;
      if (!isSelected(entry)) continue;
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

  async #send(held: HeldDeadLetters, entries: readonly DeadLetterEntry[]): Promise<void> {
    const { deliveryClient, clock, onProgress } = this.#options;
    const { batch, offsets } = batchOf(entries);
    const none = new PendingCalls(clock);
    const permit = { stop: this.#stop.signal, assertHeld: () => held.assertHeld() };
    const deadLetters = await deliveryClient.prepare(batch, permit, none, false).send();
    const refused = new Map<DeadLetterEntry, DeadLetter>();
    for (const deadLetter of deadLetters) {
      const entry = offsets.get(deadLetter.offset);
      if (entry) refused.set(entry, deadLetter);
    }
    await held.remove(entries.filter((entry) => !refused.has(entry)));
    await held.replace(
      [...refused].map((
        [entry, deadLetter],
      ) => [entry, refusedAgain(entry, deadLetter, clock.now())]),
    );
    this.#delivered += entries.length - refused.size;
    this.#refused += refused.size;
    onProgress?.(this.result());
  }
}
