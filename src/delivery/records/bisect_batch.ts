/**
 * Sends a batch and isolates the records that the server rejects.
 * @module
 */

import type { Mark } from "../http/evidence.ts";
import type { SendOptions, SendOutcome } from "../http/send_with_retry.ts";
import type { BatchRecord } from "../../wal/record/record_batch.ts";
import type { DeadLetter } from "../../wal/segment/segment.ts";
import { blame, deadLetterOf, isSound } from "./dead_letters.ts";
import type { Suspects } from "./suspects.ts";

/** Item of a batch and its records. */
export interface BatchItem {
  readonly records: readonly BatchRecord[];
  /** Text of the item, in pieces. */
  readonly pieces: readonly Uint8Array[];
  /** Key that an item shares with items that must follow it. */
  readonly key?: string;
}

/** Functions that send the items of a batch. */
export interface BatchSender {
  /** Sends some of the items as one request. */
  readonly post: (
    items: readonly BatchItem[],
    options: Pick<SendOptions, "tries" | "suspect" | "again">,
  ) => Promise<SendOutcome>;
  /** Sends the records of one item separately: only one of them may be at fault. */
  readonly apart?: (records: BatchItem["records"], since: Mark) => Promise<DeadLetter[]>;
  /** Collects items that fail while others are delivered. */
  readonly suspects: Suspects;
  /** Time of the failure of a larger batch with these items. */
  readonly since?: Mark;
}

/**
 * Sends `items` in order. A batch that is too large, is rejected or fails repeatedly is split until
 * the items at fault are isolated. Corrupt records are detected without a request.
 * @param verdict The server's verdict on all of them, if they were sent already.
 * @returns Dead letters; all other records are delivered or suspect.
 */
export async function sendBisecting(
  items: readonly BatchItem[],
  sender: BatchSender,
  verdict?: SendOutcome,
): Promise<DeadLetter[]> {
  return await new Bisection(sender).send(items, "several", verdict);
}

class Bisection {
  readonly #sender: BatchSender;
  /** Time of the failure of the whole batch. */
  #since: Mark | undefined;
  /** Time of the last failure of a part. */
  #last: Mark | undefined;

  constructor(sender: BatchSender) {
    this.#sender = sender;
    this.#since = sender.since;
  }

  async send(
    all: readonly BatchItem[],
    tries: SendOptions["tries"],
    known?: SendOutcome,
  ): Promise<DeadLetter[]> {
    const items = all.filter((item) => !this.#follows(item));
    if (items.length === 0) return [];
    const { post, suspects } = this.#sender;
    const verdict = known ?? await post(items, {
      tries: items.length === 1 ? "one" : tries,
      // A failure after a success is caused by the records and delays nothing else.
      suspect: this.#last !== undefined && suspects.mark().writes > this.#last.writes,
    });
    if (verdict.kind === "done") {
      suspects.accepted(items.flatMap(({ records }) => records));
      return [];
    }
    if (
      verdict.kind === "refused" && await suspects.isProjectMissing(items[0].records[0], verdict)
    ) return await this.send(items, tries);
    if (verdict.kind === "failure") {
      this.#last = suspects.mark();
      this.#since ??= this.#last;
    }
    if (verdict.kind !== "too-large") {
      const sound = items.filter(({ records }) => records.every(isSound));
      if (sound.length < items.length) {
        const deadLetters: DeadLetter[] = [];
        for (const item of items) {
          if (!sound.includes(item)) deadLetters.push(...await this.#isolated(item, verdict));
        }
        return [...deadLetters, ...await this.send(sound, tries)];
      }
    }
    if (items.length === 1) return await this.#isolated(items[0], verdict);
    const middle = items.length >> 1;
    const before = suspects.failing;
    const deadLetters = await this.send(items.slice(0, middle), "one");
    deadLetters.push(...await this.send(items.slice(middle), "one"));
    const isDelivered = deadLetters.length === 0 && suspects.failing === before;
    if (verdict.kind === "failure" && isDelivered) suspects.recovered();
    return deadLetters;
  }

  async #isolated(
    item: BatchItem,
    verdict: Exclude<SendOutcome, { kind: "done" }>,
  ): Promise<DeadLetter[]> {
    const { post, apart, suspects } = this.#sender;
    const { records, key } = item;
    if (apart && records.length > 1) return await apart(records, this.#since ?? suspects.mark());
    if (verdict.kind !== "failure" || !records.every(isSound)) {
      return records.map((record) => deadLetterOf(record, verdict));
    }
    for (const record of records) {
      suspects.add({
        record,
        ...(key === undefined ? {} : { key }),
        since: this.#since ?? suspects.mark(),
        attempt: (again) => post([item], { tries: "one", suspect: true, again }),
      }, verdict);
    }
    return [];
  }

  /** Returns whether an item must wait for a suspect. */
  #follows(item: BatchItem): boolean {
    const sender = this.#sender;
    const since = this.#since === undefined ? {} : { since: this.#since };
    return item.key !== undefined && sender.suspects.defer(item.key, async (cause) => {
      const deadLetters = await sendBisecting([item], { ...sender, ...since });
      return deadLetters.map((deadLetter) => blame(deadLetter, cause));
    });
  }
}
