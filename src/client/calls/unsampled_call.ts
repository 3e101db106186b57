/**
 * A call of a trace that is not recorded. It runs like any other, so that what it calls belongs to it
 * and is not recorded either, also in its streams.
 *
 * @module
 */

import { type CallSink, TracedCall } from "./traced_call.ts";

/** Records nothing. */
const NOTHING: CallSink = {
  unfinished: Object.assign(new Set<never>(), { add: () => NOTHING.unfinished }) as never,
  encode: () => "null",
  now: () => "",
  succeed() {},
  fail() {},
  rename() {},
  warnOnce() {},
};

/** Options of a call that is not recorded: nothing is asked for its summary. */
const NO_OPTIONS = Object.freeze({});

/** A call that is not recorded. */
export class UnsampledCall extends TracedCall {
  readonly #owner: object;

  constructor(callId: string, traceId: string, owner: object) {
    super(callId, traceId, null, null, "", NO_OPTIONS, NOTHING);
    this.#owner = owner;
    // Nothing waits for its result.
    this.ended = true;
  }

  /** A call below this one. */
  child(callId: string): UnsampledCall {
    return new UnsampledCall(callId, this.traceId, this.#owner);
  }

  override get owner(): object {
    return this.#owner;
  }
}
