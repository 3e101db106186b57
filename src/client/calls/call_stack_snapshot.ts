/**
 * The call stack, in the form of the official SDK's client.
 *
 * @module
 */

import type { CallStackEntry } from "./call_stack.ts";
import { UnsampledCall } from "./unsampled_call.ts";

/**
 * A call that was added to a {@linkcode CallStack}.
 *
 * @example
 * ```ts
 * import { init, type PushedCall } from "@weave-wal/client";
 *
 * await using client = await init("team/project", { disabled: true }); // `wal: true` in a program
 * const { currentCall, newStack }: PushedCall = client.pushNewCall();
 * client.runWithCallStack(newStack, () => currentCall.callId);
 * ```
 */
export interface PushedCall {
  /** The new call. */
  currentCall: CallStackEntry;
  /** The parent call; `undefined` for a root call. */
  parentCall?: CallStackEntry;
  /** The stack with the new call on top. */
  newStack: CallStack;
}

/**
 * The stack of current calls. Holds only the innermost call, which is all that a new call needs.
 *
 * @example
 * ```ts
 * import { init } from "@weave-wal/client";
 *
 * await using client = await init("team/project", { disabled: true }); // `wal: true` in a program
 * if (client.getCallStack().peek() !== undefined && client.getCallStack().peek() !== null) {
 *   throw new Error("There is no running call here");
 * }
 * ```
 */
export class CallStack {
  readonly #innermost: CallStackEntry | null;
  readonly #newId: () => string;

  /** Not for users: use `client.getCallStack()`. */
  constructor(innermost: CallStackEntry | null, newId: () => string) {
    this.#innermost = innermost;
    this.#newId = newId;
  }

  /** Returns the innermost call; `null` outside of all calls. */
  peek(): CallStackEntry | null {
    return this.#innermost;
  }

  /** Adds a new call, as a child of the innermost one. Records nothing. */
  pushNewCall(): PushedCall {
    const parentCall = this.#innermost ?? undefined;
    const callId = this.#newId();
    const traceId = parentCall?.traceId ?? this.#newId();
    const currentCall: CallStackEntry = parentCall instanceof UnsampledCall
      ? parentCall.child(callId)
      : { callId, traceId, childSummary: {} };
    return { currentCall, parentCall, newStack: new CallStack(currentCall, this.#newId) };
  }
}
