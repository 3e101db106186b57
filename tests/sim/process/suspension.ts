/**
 * Suspends and resumes a simulated process.
 *
 * @module
 */

import type { Clock, Timer } from "../../../src/runtime/runtime.ts";

/** Defers everything that reaches a process until it is resumed. */
export class Suspension {
  readonly #clock: Pick<Clock, "after">;
  readonly #isDead: () => boolean;
  /** Deferred actions, run in this order when the process resumes. */
  readonly #queue: (() => void)[] = [];
  #stopped = false;
  #busy = false;
  #everStopped = false;

  constructor(clock: Pick<Clock, "after">, isDead: () => boolean) {
    this.#clock = clock;
    this.#isDead = isDead;
  }

  /** Whether the process is suspended. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Whether the process was ever suspended. */
  get everStopped(): boolean {
    return this.#everStopped;
  }

  /** Runs something in the process, now or when it resumes. */
  gate(run: () => void): void {
    if (this.#isDead()) return;
    if (this.#stopped || this.#busy) this.#queue.push(run);
    else run();
  }

  /** Suspends the process, as SIGSTOP does. */
  stop(): void {
    this.#stopped = this.#everStopped = true;
  }

  /**
   * Resumes the process. Deferred actions run at once, or after the program has continued
   * for `busyMs` from where it was suspended.
   */
  resume(busyMs = 0): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    if (busyMs === 0) return this.#catchUp();
    this.#busy = true;
    this.#clock.after(busyMs, () => this.#catchUp());
  }

  #catchUp(): void {
    this.#busy = false;
    for (const run of this.#queue.splice(0)) this.gate(run);
  }

  /** The clock of the process; its timers do not fire while it is suspended. */
  clockOf(clock: Clock, run: (timer: () => void) => void): Clock {
    return {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after: (ms, then): Timer => {
        let taken = false;
        const timer = clock.after(ms, () =>
          this.gate(() => {
            if (!taken) run(then);
          }));
        return {
          cancel: () => {
            taken = true;
            timer.cancel();
          },
        };
      },
    };
  }
}
