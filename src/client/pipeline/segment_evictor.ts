/**
 * What `drop-oldest` does: gives up the oldest finished segments before the quota is reached.
 *
 * @module
 */

import { endOf } from "../../delivery/drain.ts";
import type { Sender } from "../../delivery/sender.ts";
import type { Clock } from "../../runtime/runtime.ts";
import { countRecords } from "../../wal/segment/count_records.ts";
import { type DiskQuota, RECOUNT_MS } from "../../wal/log/disk_quota.ts";
import type { Recovery } from "../../wal/ownership/orphan_scanner.ts";
import type { RequestLog } from "../../wal/log/record_log.ts";

/** Parts of the disk quota between which the log is kept. */
const DROP_ABOVE = 0.9, DROP_BELOW = 0.8;

/** What it is made from. */
export interface DropOldestOptions {
  readonly clock: Clock;
  readonly quota: DiskQuota;
  /** Rotated where only its current segment is left to give up. */
  readonly log: Pick<RequestLog, "rotate">;
  /** Holds what may be given up; where nobody here sends, `recovery` finds it. */
  readonly sender: Sender | null;
  /** Claims segments in `directory`, those of the own log too. */
  readonly recovery: Recovery;
  readonly directory: string;
  /** Told of records that were given up without a sender. */
  readonly onDropped: (records: number) => void;
  /** Told of trouble with the disk meanwhile. */
  readonly onTrouble: (error: unknown) => void;
}

/** Keeps a project's directory below its quota at the cost of the oldest records. */
export class DropOldest {
  readonly #options: DropOldestOptions;
  #running: Promise<void> | null = null;
  #rotatedAt = -Infinity;
  #closed = false;

  /** Makes one; nothing happens before `makeRoom` is called. */
  constructor(options: DropOldestOptions) {
    this.#options = options;
  }

  /** Begins to make room when little is left. Cheap: called at every append. */
  makeRoom(): void {
    const { quota, sender, log } = this.#options;
    if (quota.used < quota.maxBytes * DROP_ABOVE) return;
    if (sender === null) {
      this.#running ??= this.#giveUp().catch(this.#options.onTrouble).finally(() => {
        this.#running = null;
      });
      return;
    }
    try {
      let goal = quota.used - quota.maxBytes * DROP_BELOW;
      for (const { segment, dropped } of sender.drains()) {
        if (dropped) goal -= endOf(segment) ?? 0;
      }
      if (goal > 0 && !sender.dropOldest()) log.rotate();
    } catch (error) {
      this.#options.onTrouble(error);
    }
  }

  /** Ends; resolves when nothing goes on any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #giveUp(): Promise<void> {
    const { quota, clock, log } = this.#options;
    while (!this.#closed && quota.used > quota.maxBytes * DROP_BELOW) {
      if (await this.#giveUpOne()) {
        quota.recount();
        continue;
      }
      // What is held by others goes by itself; a segment for every record would help nobody.
      if (clock.monotonic() - this.#rotatedAt < RECOUNT_MS) return;
      this.#rotatedAt = clock.monotonic();
      log.rotate();
    }
  }

  /** Gives up the oldest segment that is finished and that nobody holds, if there is one. */
  async #giveUpOne(): Promise<boolean> {
    const { recovery, directory, onDropped } = this.#options;
    const claimed = recovery.claim(directory).sort((a, b) => a.name < b.name ? -1 : 1);
    const oldest = claimed.find((segment) => segment.isSealed());
    for (const segment of claimed) if (segment !== oldest) segment.release();
    if (oldest === undefined) return false;
    try {
      const records = await countRecords(oldest, oldest.checkpoint);
      oldest.complete();
      onDropped(records);
      return true;
    } catch (error) {
      oldest.release();
      throw error;
    }
  }
}
