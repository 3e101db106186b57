/**
 * Counts dead letters by reason. Reads a file again only if it changed.
 *
 * @module
 */

import { hasCode } from "../../../errors.ts";
import { Slices } from "../../../runtime/event_loop.ts";
import type { FileSystem } from "../../../runtime/file_system.ts";
import type { FileStat } from "../../../runtime/file_types.ts";
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

/** A count, and the file that was read for it. */
interface Counted extends Pick<FileStat, "id" | "size" | "modified"> {
  readonly count: DeadLetterCount;
}

/** Counts dead letters, and caches the counts. */
export class DeadLetterCounter {
  readonly #files: FileSystem;
  readonly #clock: Clock;
  readonly #counted = new Map<string, Counted>();

  /** Creates a counter with an empty cache. */
  constructor({ files, clock }: Pick<Runtime, "files" | "clock">) {
    this.#files = files;
    this.#clock = clock;
  }

  /** Counts the entries of dead letter files, in slices; missing files have none. */
  async countAll(paths: readonly string[]): Promise<DeadLetterCount> {
    const slices = new Slices(this.#clock);
    const sum = new DeadLetterTally();
    for (const path of paths) {
      if (slices.isOver) await slices.next();
      sum.addAll(await this.#count(path));
    }
    return sum.count();
  }

  async #count(path: string): Promise<DeadLetterCount> {
    const stat = this.#files.stat(path);
    if (stat === null) return NO_DEAD_LETTERS;
    const { id, size, modified } = stat;
    const before = this.#counted.get(path);
    if (before?.id === id && before.size === size && before.modified === modified) {
      return before.count;
    }
    const count = await this.#read(path, size);
    this.#counted.set(path, { id, size, modified, count });
    return count;
  }

  async #read(path: string, size: number): Promise<DeadLetterCount> {
    const tally = new DeadLetterTally();
    try {
      for await (const entry of readDeadLetters(this.#files, path, size)) {
        if (!isTornEntry(entry)) tally.add(entry.error);
      }
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
    }
    return tally.count();
  }
}

/** Adds up dead letters. */
export class DeadLetterTally {
  readonly #byReason: Record<string, number> = {};
  #total = 0;
  #last: DeadLetterCount["last"] = null;

  /** Takes one in. */
  add(error: DeadLetterError): void {
    this.#add(error.reason, 1);
    const at = Date.parse(error.at ?? "");
    if (Number.isNaN(at) || (this.#last !== null && at < this.#last.at)) return;
    const status = error.status === undefined ? "" : ` (HTTP ${error.status})`;
    this.#last = { at, message: `${error.message ?? error.reason}${status}` };
  }

  /** Takes in those of another count. */
  addAll({ byReason, last }: DeadLetterCount): void {
    for (const reason in byReason) this.#add(reason, byReason[reason]);
    if (last !== null && (this.#last === null || last.at > this.#last.at)) this.#last = last;
  }

  #add(reason: string, count: number): void {
    this.#total += count;
    this.#byReason[reason] = (this.#byReason[reason] ?? 0) + count;
  }

  /** The count so far. */
  count(): DeadLetterCount {
    return { total: this.#total, byReason: this.#byReason, last: this.#last };
  }
}
