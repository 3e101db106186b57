/**
 * Counts dead letters by reason. Reads a file again only if it changed.
 *
 * @module
 */

import { hasCode } from "../../../errors.ts";
import { Slices } from "../../../runtime/event_loop.ts";
import type { FileSystem } from "../../../runtime/file_system.ts";
import type { Clock, Runtime } from "../../../runtime/runtime.ts";
import {
  type DeadLetterError,
  isTornEntry,
  readDeadLetters,
} from "../../../wal/dead_letters/dead_letter_reader.ts";

/** Number of dead letters of a project. */
export interface DeadLetterCount {
  readonly total: number;
  readonly byReason: Readonly<Record<string, number>>;
  /** The most recent one. */
  readonly last: { readonly at: number; readonly message: string } | null;
}

export const NO_DEAD_LETTERS: DeadLetterCount = { total: 0, byReason: {}, last: null };

/** Counts dead letters, and caches the counts. */
export class DeadLetterCounter {
  readonly #files: FileSystem;
  readonly #clock: Clock;
  readonly #counted = new Map<string, { key: string; count: DeadLetterCount }>();

  /** Creates a counter with an empty cache. */
  constructor({ files, clock }: Pick<Runtime, "files" | "clock">) {
    this.#files = files;
    this.#clock = clock;
  }

  /** Counts the entries of dead letter files, in slices; missing files have none. */
  async countAll(paths: readonly string[]): Promise<DeadLetterCount> {
    const slices = new Slices(this.#clock);
    const counts: DeadLetterCount[] = [];
    for (const path of paths) {
      await slices.pause();
      counts.push(await this.#count(path));
    }
    return sumCounts(counts);
  }

  async #count(path: string): Promise<DeadLetterCount> {
    const stat = this.#files.stat(path);
    if (stat === null) return NO_DEAD_LETTERS;
    const key = `${stat.id} ${stat.size} ${stat.modified}`;
    const before = this.#counted.get(path);
    if (before?.key === key) return before.count;
    const count = await this.#read(path);
    this.#counted.set(path, { key, count });
    return count;
  }

  async #read(path: string): Promise<DeadLetterCount> {
    const tally = new DeadLetterTally();
    try {
      for await (const entry of readDeadLetters(this.#files, path)) {
        if (!isTornEntry(entry)) tally.add(entry.error);
      }
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
    }
    return tally.count();
  }
}

/** Counts dead letters one by one. */
export class DeadLetterTally {
  readonly #byReason: Record<string, number> = {};
  #total = 0;
  #last: DeadLetterCount["last"] = null;

  /** Takes one in. */
  add(error: DeadLetterError): void {
    this.#total++;
    this.#byReason[error.reason] = (this.#byReason[error.reason] ?? 0) + 1;
    const at = Date.parse(error.at ?? "");
    if (Number.isNaN(at) || (this.#last !== null && at < this.#last.at)) return;
    const status = error.status === undefined ? "" : ` (HTTP ${error.status})`;
    this.#last = { at, message: `${error.message ?? error.reason}${status}` };
  }

  /** The count so far. */
  count(): DeadLetterCount {
    return { total: this.#total, byReason: this.#byReason, last: this.#last };
  }
}

/** Adds up counts. */
function sumCounts(counts: readonly DeadLetterCount[]): DeadLetterCount {
  const byReason: Record<string, number> = {};
  let last: DeadLetterCount["last"] = null;
  for (const count of counts) {
    for (const [reason, number] of Object.entries(count.byReason)) {
      byReason[reason] = (byReason[reason] ?? 0) + number;
    }
    if (count.last !== null && (last === null || count.last.at > last.at)) last = count.last;
  }
  return { total: counts.reduce((sum, { total }) => sum + total, 0), byReason, last };
}
