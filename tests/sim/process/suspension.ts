/**
 * The stops of a simulated process.
 *
 * @module
 */

import type { Clock, Timer } from "../../../src/runtime/runtime.ts";

/** Holds back whatever reaches a process while it is stopped. */
export class Suspension {
  readonly #clock: Pick<Clock, "after">;
  readonly #isDead: () => boolean;
  /** Happens, in this order, when the process goes on. */
  readonly #queue: (() => void)[] = [];
  #stopped = false;
  #busy = false;
  #everStopped = false;

  constructor(clock: Pick<Clock, "after">, isDead: () => boolean) {
    this.#clock = clock;
    this.#isDead = isDead;
  }

  /** Whether the process is stopped now. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Whether it was ever stopped. */
  get everStopped(): boolean {
    return this.#everStopped;
  }

  /** Does something in the process, now or when it goes on. */
  gate(run: () => void): void {
    if (this.#isDead()) return;
    if (this.#stopped || this.#busy) this.#queue.push(run);
    else run();
  }

  /** The process is stopped, as by SIGSTOP. */
  stop(): void {
    this.#stopped = this.#everStopped = true;
  }

  /**
   * It goes on. What it waited for in the meantime happens now, or when the program has run on for
   * `busyMs` where it was stopped.
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

  /** The clock of the process, whose timers wait while it is stopped. */
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
