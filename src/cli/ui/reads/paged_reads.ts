/**
 * Lists that are too long to be read at once: each page continues where the previous one ended.
 *
 * @module
 */

import type { Clock, Timer } from "../../../runtime/runtime.ts";

/** Maximum number of open lists; the least recently used one is closed first. */
const MAX_OPEN = 6;
/** Ms without a request after which a list is closed. */
const IDLE_MS = 60_000;

interface Open<Item> {
  readonly items: AsyncIterator<Item>;
  /** Requests for a list are handled one at a time. */
  turn: Promise<unknown>;
  idle: Timer | null;
}

/** Open lists, by ID. */
export class PagedReads<Item> {
  readonly #clock: Clock;
  readonly #newId: () => string;
  readonly #open = new Map<string, Open<Item>>();

  /** @param newId Creates the IDs of lists. */
  constructor(clock: Clock, newId: () => string) {
    this.#clock = clock;
    this.#newId = newId;
  }

  /** Starts a list; returns its ID. */
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
   * Returns the next item of a list; `done` after the last one, which closes the list. `null` if
   * the list does not exist.
   */
  async next(id: string): Promise<IteratorResult<Item> | null> {
    const list = this.#open.get(id);
    if (list === undefined) return null;
    // Mark it as most recently used.
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

  /** Closes a list and its open files. */
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
