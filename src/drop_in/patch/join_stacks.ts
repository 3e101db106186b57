/**
 * Joins the call stacks of both packages: calls of official ops and of this package's ops become
 * parents and children of each other.
 *
 * Each package keeps the current call in its own storage. The official client reads and writes its
 * storage with a few methods. These are replaced so that what they set is also set in this
 * package's storage, and they return what this package's storage contains, which is always up to
 * date. A program without ops of this package has no cost.
 *
 * @module
 */

import type { WeaveClient } from "../../client/weave_client/client.ts";
import { clientOfRecorder, globalClient, recorderOf } from "../../client/global_client.ts";
import {
  type CallStackEntry,
  currentContext,
  runInContext,
  runWithAttributes,
} from "../../client/calls/call_stack.ts";
import { UnsampledCall } from "../../client/calls/unsampled_call.ts";
import { hasOwnOps } from "../../client/mixed_packages.ts";
import { spanTargetOf } from "../../client/span_target.ts";
import { noteUnsampled } from "../logs/unsampled_calls.ts";

/** The part of an official call stack that is used. */
interface SdkStack {
  readonly constructor: unknown;
  peek(): CallStackEntry | null | undefined;
  pushNewCall(): { parentCall?: unknown };
}

type Attributes = Record<string, unknown>;

/** The part of the official client that manages the call stack. */
export interface StackMethods {
  getCallStack(): SdkStack;
  runWithCallStack<T>(stack: SdkStack, fn: () => T): T;
  /** Since version 0.11. */
  getCurrentAttributes?(): Attributes;
  runWithAttributes?<T>(attributes: Attributes, fn: () => T): T;
}

/** Returns whether the methods work as expected. They are tried on a dummy client. */
export function keepsStack(methods: unknown): methods is StackMethods {
  const { getCallStack, runWithCallStack } = (methods ?? {}) as Partial<StackMethods>;
  if (typeof getCallStack !== "function" || typeof runWithCallStack !== "function") return false;
  const stackContext = { getStore: () => undefined, run: (_: unknown, fn: () => unknown) => fn() };
  const standIn = { stackContext } as unknown as StackMethods;
  const entry: CallStackEntry = { callId: "id", traceId: "trace", childSummary: {} };
  try {
    const empty = getCallStack.call(standIn);
    const stack = stackOf(empty, entry);
    return empty.peek() == null && stack.peek() === entry &&
      stack.pushNewCall().parentCall === entry &&
      runWithCallStack.call(standIn, stack, () => entry) === entry;
  } catch {
    return false;
  }
}

/**
 * Replaces the methods, on a client or on the prototype of all clients.
 *
 * @param clientOf Returns the client of this package for the log of an official one.
 */
export function joinStacks(
  methods: StackMethods,
  clientOf: (client: object) => WeaveClient | null,
): void {
  const { getCallStack, runWithCallStack, getCurrentAttributes } = methods;
  const { runWithAttributes: runOfficial } = methods;
  type Sdk = StackMethods & { readonly projectId: string };
  const replace = (name: keyof StackMethods, value: (this: Sdk, ...args: never[]) => unknown) => {
    Object.defineProperty(methods, name, { value, writable: true, configurable: true });
  };
  replace("getCallStack", function () {
    const stack = getCallStack.call(this);
    if (!hasOwnOps()) return stack;
    const context = currentContext();
    if (!context?.call || context.untraced || context.call === stack.peek()) return stack;
    const client = clientOfRecorder(context.owner);
    if (client?.projectId !== this.projectId) return stack;
    if (context.call instanceof UnsampledCall) {
      const sampler = spanTargetOf(client)?.sampler;
      noteUnsampled(context.call.callId, () => sampler && sampler.sampledOut++);
    }
    return stackOf(stack, context.call);
  });
  replace("runWithCallStack", function (stack: SdkStack, fn: () => unknown) {
    if (!hasOwnOps()) return runWithCallStack.call(this, stack, fn);
    const run = () => runWithCallStack.call(this, stack, fn);
    const { call: outer = null, attributes = null, untraced } = currentContext() ?? {};
    const call = stack.peek();
    if (outer instanceof UnsampledCall && call?.traceId === outer.traceId) {
      return runInContext(outer.child(call.callId), run);
    }
    const client = call && !untraced ? clientOf(this) : null;
    if (!call || client === null) return run();
    // Prefers this package's own client for the project: its `flush` then waits for these calls.
    const current = globalClient();
    const owner = recorderOf(current?.projectId === this.projectId ? current : client);
    return runInContext({ call, owner, attributes }, run);
  });
  if (!getCurrentAttributes || !runOfficial) return;
  replace("getCurrentAttributes", function () {
    const official = getCurrentAttributes.call(this);
    const own = currentContext()?.attributes?.values;
    return own ? { ...official, ...own } : official;
  });
  replace("runWithAttributes", function (attributes: Attributes, fn: () => unknown) {
    const run = () => runOfficial.call(this, attributes, fn);
    return hasOwnOps() ? runWithAttributes(attributes, run) : run();
  });
}

/** Creates a stack of the same class whose innermost call is `call`. */
function stackOf({ constructor }: SdkStack, call: CallStackEntry): SdkStack {
  return new (constructor as new (entries: CallStackEntry[]) => SdkStack)([call]);
}
