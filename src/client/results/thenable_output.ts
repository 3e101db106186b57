/**
 * Waits until the program awaits a thenable that an op returned.
 *
 * @module
 */

import type { TracedCall } from "../calls/traced_call.ts";
import type { Watcher } from "./watchers.ts";

/**
 * Watches a thenable. If it is never awaited, the call ends with the time at which it was returned.
 */
export class ThenableOutput implements Watcher {
  readonly #call: TracedCall;
  readonly #description: string;
  readonly #onValue: (value: unknown) => void;
  readonly #time: string;
  /** Whether it was awaited. If its value is a stream, the call ends later. */
  #isSettled = false;

  /**
   * @param description JSON text to record if the thenable is never awaited.
   * @param onValue Ends the call with the value.
   */
  constructor(call: TracedCall, description: string, onValue: (value: unknown) => void) {
    this.#call = call;
    this.#description = description;
    this.#onValue = onValue;
    this.#time = call.sink.now();
    call.sink.unfinished.add(this);
  }

  get ended(): boolean {
    return this.#isSettled || this.#call.ended;
  }

  chunk(): void {}

  end(value: unknown): void {
    if (!this.#settle()) return;
    this.#onValue(value);
  }

  fail(error: unknown): void {
    if (this.#settle()) this.#call.fail(error);
  }

  abandon(): void {
    if (!this.#settle()) return;
    this.#call.succeed(undefined, { text: this.#description, endedAt: this.#time });
  }

  #settle(): boolean {
    if (this.ended) return false;
    this.#isSettled = true;
    this.#call.sink.unfinished.delete(this);
    return true;
  }
}
