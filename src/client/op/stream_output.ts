/**
 * Collects the chunks of a stream for the record of the call that returned it.
 *
 * @module
 */

import { ignoreRejection } from "../../protocol/json/promises.ts";
import { MAX_CALL_VALUE_CHARS } from "../../protocol/json/size_limits.ts";
import type { StreamReducer } from "./op_types.ts";
import type { TracedCall } from "./traced_call.ts";
import type { Watcher } from "./watchers.ts";

/** Chunks that are kept of a stream without a reducer; further ones are counted. */
export const MAX_CHUNKS = 10_000;

/**
 * Watches a stream. The output of its call is the reducer's last state; without a reducer what a
 * generator returned, unless that is `undefined`; else the list of the chunks.
 */
export class StreamOutput implements Watcher {
  readonly #call: TracedCall;
  readonly #reducer: StreamReducer<unknown, unknown> | undefined;
  readonly #description: string;
  #isRead = false;
  #state: unknown;
  #isBroken = false;
  /** Chunks as JSON text: the program may change them after it got them. */
  readonly #texts: string[] = [];
  #charsLeft = MAX_CALL_VALUE_CHARS;
  #omitted = 0;
  /** The chunks themselves, where `summarize` wants them: the first ones and the last. */
  readonly #chunks: unknown[] = [];
  /** When the stream was last seen at work. */
  #time: string;

  /**
   * @param description What is recorded, as JSON text, of a stream that is dropped before it is read.
   */
  constructor(
    call: TracedCall,
    reducer: StreamReducer<unknown, unknown> | undefined,
    description: string,
  ) {
    this.#call = call;
    this.#description = description;
    this.#reducer = reducer;
    this.#time = call.ender.now();
    this.#reduce((reducer) => this.#state = reducer.initialStateFn());
    call.ender.unfinished.add(this);
  }

  get ended(): boolean {
    return this.#call.ended;
  }

  chunk(value: unknown): void {
    if (this.ended) return;
    this.#isRead = true;
    this.#time = this.#call.ender.now();
    if (this.#reducer) this.#reduce((reducer) => reducer.reduceFn(this.#state, value), true);
    else this.#keep(value);
  }

  end(value: unknown): void {
    if (this.ended) return;
    this.#call.ender.unfinished.delete(this);
    if (this.#reducer) this.#call.succeed(this.#finalState());
    else if (value !== undefined) this.#call.succeed(value);
    else this.#call.succeed(this.#chunks, this.#text());
  }

  fail(error: unknown): void {
    if (this.ended) return;
    this.#call.ender.unfinished.delete(this);
    if (this.#reducer) this.#call.fail(error, this.#finalState());
    else this.#call.fail(error, null, this.#isRead ? this.#text() : undefined);
  }

  abandon(): void {
    if (this.ended) return;
    this.#call.ender.unfinished.delete(this);
    if (!this.#isRead) this.#call.succeed(undefined, this.#description, this.#time);
    else if (this.#reducer) this.#call.succeed(this.#finalState(), undefined, this.#time);
    else this.#call.succeed(this.#chunks, this.#text(), this.#time);
  }

  #keep(value: unknown): void {
    if (this.#call.summarize !== undefined) {
      this.#chunks[Math.min(this.#chunks.length, MAX_CHUNKS - 1)] = value;
    }
    if (this.#omitted > 0 || this.#texts.length === MAX_CHUNKS || this.#charsLeft <= 0) {
      this.#omitted++;
      return;
    }
    const text = this.#call.ender.encode(value, this.#charsLeft);
    this.#charsLeft -= text.length + 1;
    this.#texts.push(text);
  }

  #text(): string {
    const rest = this.#omitted === 0 ? "" : `,"[${this.#omitted} more chunks]"`;
    return "[" + this.#texts.join(",") + rest + "]";
  }

  #finalState(): unknown {
    this.#reduce((reducer) => reducer.finalizeFn(this.#state));
    return this.#state;
  }

  /** @param keep Whether the step returns the next state. */
  #reduce(step: (reducer: StreamReducer<unknown, unknown>) => unknown, keep = false): void {
    if (!this.#reducer || this.#isBroken) return;
    try {
      const result = step(this.#reducer);
      // An asynchronous reducer cannot be waited for.
      ignoreRejection(result);
      if (keep) this.#state = result;
    } catch (error) {
      // The reader of the stream must not pay for a reducer's mistake.
      this.#isBroken = true;
      this.#call.ender.complain("reducer-failed", "Cannot reduce a stream", error);
    }
  }
}
