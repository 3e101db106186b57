/**
 * Calls whose result is still to come from an object that the program holds: a thenable that it may
 * await, a stream that it may read.
 *
 * @module
 */

/** A call that waits for what comes of its result. No method throws. */
export interface Watcher {
  /** Whether the call has ended. */
  readonly ended: boolean;
  /** The program got a part of the result. */
  chunk(value: unknown): void;
  /** The result is complete; `value` is what it ends with. */
  end(value: unknown): void;
  /** The result failed. */
  fail(error: unknown): void;
  /** Nothing more will come: the program dropped the result, or the client finishes. */
  abandon(): void;
}

/** Calls that wait for one object; each further one waits no longer. */
const MAX_WATCHERS = 16;

/**
 * The calls that wait for one object: more than one where an op returns what another op returned.
 * It is reachable only from the object, so that the object can be collected.
 */
export class Watchers {
  #watchers: Watcher[] = [];
  #stop: (() => void) | undefined;

  /**
   * Lets a call wait for `target`.
   *
   * @param install Starts to look on, where nobody does yet; returns how to stop.
   * @returns Whether the call waits.
   */
  static add(
    target: object,
    watcher: Watcher,
    install: (watchers: Watchers) => (() => void) | undefined,
  ): boolean {
    let watchers = watched.get(target);
    if (watchers === undefined || watchers.#prune() === 0) {
      watchers = new Watchers();
      watchers.#stop = install(watchers);
      if (watchers.#stop === undefined) return false;
      watched.set(target, watchers);
    }
    if (watchers.#watchers.length >= MAX_WATCHERS) return false;
    watchers.#watchers.push(watcher);
    dropped?.register(target, watcher);
    return true;
  }

  chunk(value: unknown): void {
    for (const watcher of this.#watchers) watcher.chunk(value);
  }

  end(value: unknown): void {
    for (const watcher of this.#watchers) watcher.end(value);
    this.#prune();
  }

  fail(error: unknown): void {
    for (const watcher of this.#watchers) watcher.fail(error);
    this.#prune();
  }

  /** Forgets the calls that have ended; without one left, the object is as it was. */
  #prune(): number {
    this.#watchers = this.#watchers.filter((watcher) => !watcher.ended);
    if (this.#watchers.length === 0) {
      this.#stop?.();
      this.#stop = undefined;
    }
    return this.#watchers.length;
  }
}

const watched = new WeakMap<object, Watchers>();

/** Ends the calls of objects that nobody holds any more. Not every host has it. */
const dropped = typeof FinalizationRegistry === "function"
  ? new FinalizationRegistry<Watcher>((watcher) => watcher.abandon())
  : undefined;
