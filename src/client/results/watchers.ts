/**
 * Calls whose result is pending in an object of the program: a thenable that it may await, or a
 * stream that it may read.
 *
 * @module
 */

/** A call with a pending result. No method throws. */
export interface Watcher {
  /** Whether the call has ended. */
  readonly ended: boolean;
  /** The program received a part of the result. */
  chunk(value: unknown): void;
  /** The result is complete; `value` is its end. */
  end(value: unknown): void;
  /** The result failed. */
  fail(error: unknown): void;
  /** Nothing more will come: the program dropped the result, or the client is being finished. */
  abandon(): void;
}

/** Maximum number of calls that wait for one object; further ones do not wait. */
const MAX_WATCHERS = 16;

/**
 * The calls that wait for one object: more than one if an op returns another op's result. Only the
 * object references it, so that the object can be garbage collected.
 */
export class Watchers {
  #watchers: Watcher[] = [];
  #stop: (() => void) | undefined;

  /**
   * Lets a call wait for `target`.
   *
   * @param install Starts observing, if nothing does yet; returns a function that stops it.
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

  /** Removes the calls that have ended; if none is left, restores the object. */
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

/** Ends the calls of garbage-collected objects. Not available on every runtime. */
const dropped = typeof FinalizationRegistry === "function"
  ? new FinalizationRegistry<Watcher>((watcher) => watcher.abandon())
  : undefined;
