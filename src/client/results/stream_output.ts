/**
 * Collects the chunks of a stream for the record of the call that returned it.
 *
 * @module
 */

import { ignoreRejection } from "../../protocol/json/promises.ts";
import { MAX_CALL_VALUE_CHARS } from "../../protocol/json/size_limits.ts";
import { belongs, type StreamShape, streamShape } from "../integrations/stream_shapes.ts";
import { findUsage, type ModelUsage } from "../integrations/usage.ts";
import type { StreamReducer } from "../op/op_types.ts";
import type { Ending, TracedCall } from "../calls/traced_call.ts";
import type { Watcher } from "./watchers.ts";

/**
 * Maximum number of chunks to keep of a stream without a reducer; further ones are only counted.
 */
export const MAX_CHUNKS = 10_000;

/**
 * Watches a stream. The output of the call is the reducer's final state. Without a reducer, it is a
 * generator's return value if that is not `undefined`; otherwise the message that a provider
 * streamed, or the list of chunks.
 */
export class StreamOutput implements Watcher {
  readonly #call: TracedCall;
  readonly #description: string;
  #reducer: StreamReducer<unknown, unknown> | undefined;
  /** The kind of stream, if the reducer was chosen for it and is not the op's. */
  #shape: StreamShape | undefined;
  #isRead = false;
  #state: unknown;
  #isBroken = false;
  /** Chunks as JSON text, because the program may change them after receiving them. */
  readonly #texts: string[] = [];
  #charsLeft = MAX_CALL_VALUE_CHARS;
  #omitted = 0;
  /** The chunks themselves, if `summarize` needs them: the first ones and the last. */
  readonly #chunks: unknown[] = [];
  /** Usage in the chunks of a stream without a reducer. */
  #usage: readonly ModelUsage[] = [];
  /** Time of the last activity of the stream. */
  #time: string;

  /** @param description JSON text to record if the stream is dropped before it is read. */
  constructor(
    call: TracedCall,
    reducer: StreamReducer<unknown, unknown> | undefined,
    description: string,
  ) {
    this.#call = call;
    this.#description = description;
    this.#reducer = reducer;
    this.#time = call.sink.now();
    this.#reduce((reducer) => this.#state = reducer.initialStateFn());
    call.sink.unfinished.add(this);
  }

  get ended(): boolean {
    return this.#call.ended;
  }

  chunk(value: unknown): void {
    if (this.ended) return;
    if (!this.#isRead && this.#reducer === undefined) this.#recognize(value);
    this.#isRead = true;
    this.#time = this.#call.sink.now();
    if (this.#shape !== undefined) this.#keepForSummary(value);
    if (this.#reducer !== undefined && (!this.#shape || belongs(value, this.#shape))) {
      this.#reduce((reducer) => reducer.reduceFn(this.#state, value), true);
    } else this.#keep(value);
  }

  end(value: unknown): void {
    if (this.ended) return;
    this.#call.sink.unfinished.delete(this);
    const isOutput = value !== undefined && (!this.#reducer || this.#shape !== undefined);
    if (!isOutput) return this.#succeed();
    const own = findUsage(value);
    this.#call.succeed(value, { usage: own.length > 0 ? own : this.#result()[1].usage });
  }

  fail(error: unknown): void {
    if (this.ended) return;
    this.#call.sink.unfinished.delete(this);
    if (!this.#isRead && this.#reducer === undefined) this.#call.fail(error);
    else {
      const [output, ending] = this.#result();
      this.#call.fail(error, output, ending);
    }
  }

  abandon(): void {
    if (this.ended) return;
    this.#call.sink.unfinished.delete(this);
    if (this.#isRead) this.#succeed(this.#time);
    else this.#call.succeed(undefined, { text: this.#description, endedAt: this.#time });
  }

  #succeed(endedAt?: string): void {
    const [output, ending] = this.#result();
    this.#call.succeed(output, { ...ending, endedAt });
  }

  /** Returns the value for `summarize`, and the output to record. */
  #result(): [unknown, Ending] {
    if (this.#reducer === undefined) {
      return [this.#chunks, { text: this.#text(), usage: this.#usage }];
    }
    const state = this.#finalState();
    if (this.#shape === undefined) return [state, {}];
    // `summarize` expects a list of chunks.
    const text = this.#call.sink.encode(state, MAX_CALL_VALUE_CHARS);
    const usage = findUsage(state);
    return [this.#chunks, {
      text: this.#texts.length === 0 ? text : this.#text(text),
      usage: usage.length > 0 ? usage : this.#usage,
    }];
  }

  #recognize(chunk: unknown): void {
    this.#shape = streamShape(chunk);
    this.#reducer = this.#shape?.reducer;
    this.#reduce((reducer) => this.#state = reducer.initialStateFn());
  }

  #keepForSummary(value: unknown): void {
    if (this.#call.options.summarize === undefined) return;
    this.#chunks[Math.min(this.#chunks.length, MAX_CHUNKS - 1)] = value;
  }

  #keep(value: unknown): void {
    if (this.#shape === undefined) this.#keepForSummary(value);
    const usage = findUsage(value);
    if (usage.length > 0) this.#usage = addChunkUsage(this.#usage, usage);
    if (this.#omitted > 0 || this.#texts.length === MAX_CHUNKS || this.#charsLeft <= 0) {
      this.#omitted++;
      return;
    }
    const text = this.#call.sink.encode(value, this.#charsLeft);
    this.#charsLeft -= text.length + 1;
    this.#texts.push(text);
  }

  #text(first?: string): string {
    const texts = first === undefined ? this.#texts : [first, ...this.#texts];
    const rest = this.#omitted === 0 ? "" : `,"[${this.#omitted} more chunks]"`;
    return "[" + texts.join(",") + rest + "]";
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
      // An asynchronous reducer cannot be awaited.
      ignoreRejection(result);
      if (keep) this.#state = result;
    } catch (error) {
      // A reducer's error must not affect the reader of the stream.
      this.#isBroken = true;
      this.#call.sink.warnOnce("reducer-failed", "Cannot reduce a stream", error);
    }
  }
}

/** Adds usage; cumulative counters replace earlier ones of the same model. */
function addChunkUsage(
  known: readonly ModelUsage[],
  found: readonly ModelUsage[],
): readonly ModelUsage[] {
  const isReplaced = ({ model }: ModelUsage) =>
    found.some((later) => later.isCumulative && later.model === model);
  return [...known.filter((usage) => !isReplaced(usage)), ...found];
}
