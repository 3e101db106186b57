/**
 * A call of a trace that is not recorded. It runs like any other call, so that calls inside it, and
 * in its streams, are not recorded either.
 *
 * @module
 */

import type { AttributeScope } from "./call_stack.ts";
import type { Watcher } from "../results/watchers.ts";
import { type CallSink, TracedCall } from "./traced_call.ts";

/** A set that stays empty. */
class NoWatchers extends Set<Watcher> {
  override add(): this {
    return this;
  }
}

/** A sink that records nothing. */
const NOTHING: CallSink = {
  unfinished: new NoWatchers(),
  encode: () => "null",
  now: () => "",
  succeed() {},
  fail() {},
  rename() {},
  warnOnce() {},
};

/** Options of a call that is not recorded: its `summarize` is not called. */
const NO_OPTIONS = Object.freeze({});

/** A call that is not recorded. */
export class UnsampledCall extends TracedCall {
  readonly #owner: object;

  /** @param attributes Attributes of the calls inside it that are recorded anyway. */
  constructor(callId: string, traceId: string, attributes: AttributeScope | null, owner: object) {
    super(callId, traceId, null, attributes, "", NO_OPTIONS, NOTHING);
    this.#owner = owner;
    // Nothing waits for its result.
    this.ended = true;
  }

  /** Creates a child call. */
  child(callId: string, attributes: AttributeScope | null = this.attributes): UnsampledCall {
    return new UnsampledCall(callId, this.traceId, attributes, this.#owner);
  }

  override get owner(): object {
    return this.#owner;
  }
}
