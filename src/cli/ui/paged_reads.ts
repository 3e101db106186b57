/**
 * Lists that are too long to be read at once: each page continues where the one before it ended.
 *
 * @module
 */

import type { Clock, Timer } from "../../runtime/runtime.ts";

/** Lists that are open at once; the one that was used longest ago is closed for another. */
const MAX_OPEN = 6;
/** Ms without a request after which a list is closed. */
const IDLE_MS = 60_000;

interface Open<Item> {
  readonly items: AsyncIterator<Item>;
  /** Requests for one list are answered one after the other. */
  turn: Promise<unknown>;
  idle: Timer | null;
}

/** Lists in progress, by name. */
export class PagedReads<Item> {
  readonly #clock: Clock;
  readonly #newId: () => string;
  readonly #open = new Map<string, Open<Item>>();

  /** @param newId Makes the names of lists. */
  constructor(clock: Clock, newId: () => string) {
    this.#clock = clock;
    this.#newId = newId;
  }

  /** Begins a list; returns its name. */
  begin(items: AsyncIterable<Item>): string {
    const id = this.#newId();
    this.#open.set(id, {
      items: items[Symbol.asyncIterator](),
      turn: Promise.resolve(),
      idle: null,
    });
    for (const [other] of this.#open) {
      if (this.#open.size <= MAX_OPEN) break;
      this.close(other);
    }
    return id;
  }

  /**
   * The next item of a list; `done` after the last one, and then the list is closed. `null` if there
   * is not such a list (any more).
   */
  async next(id: string): Promise<IteratorResult<Item> | null> {
    const list = this.#open.get(id);
    if (list === undefined) return null;
    // The list in use is the last to be closed.
    this.#open.delete(id);
    this.#open.set(id, list);
    list.idle?.cancel();
    const taken = list.turn.then(() => list.items.next());
    list.turn = taken.catch(() => {});
    try {
      const result = await taken;
      if (result.done) this.close(id);
      else if (this.#open.has(id)) list.idle = this.#clock.after(IDLE_MS, () => this.close(id));
      return result;
    } catch (error) {
      this.close(id);
      throw error;
    }
  }

  /** Closes a list and the files that it holds open. */
  close(id: string): void {
    const list = this.#open.get(id);
    if (list === undefined) return;
    this.#open.delete(id);
    list.idle?.cancel();
    list.turn = list.turn.then(() => list.items.return?.()).catch(() => {});
  }

  /** Closes all lists. */
  closeAll(): void {
    for (const id of [...this.#open.keys()]) this.close(id);
  }
}
