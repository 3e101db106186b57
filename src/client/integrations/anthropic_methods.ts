/**
 * The traced methods of the Anthropic SDK, and how their calls are recorded.
 *
 * @module
 */

import type { AnyFunction, OwnOpOptions, StreamReducer } from "../op/op_types.ts";
import { anthropicReducer } from "./anthropic_stream.ts";
import { clone, isObject, type Json } from "./merge_delta.ts";
import { streamedUsage, traceMethod } from "./openai_methods.ts";
import { countUsage, findUsage } from "./usage.ts";

/** A method of a class. */
export interface TracedClassMethod {
  /** Path of the class from the SDK's main class. */
  readonly path: readonly string[];
  readonly name: string;
  /** Returns the traced method. */
  readonly trace: (original: AnyFunction) => AnyFunction;
}

interface MessagesState {
  messages: Json[];
}

/** The official SDK's format: a list with the message of the stream. */
const messageReducer: StreamReducer<unknown, MessagesState> = {
  initialStateFn: () => ({ messages: [] }),
  reduceFn(state, event) {
    if (isObject(event) && event.type === "message_start") {
      state.messages.push(anthropicReducer.initialStateFn());
    }
    const last = state.messages.at(-1);
    if (last !== undefined) anthropicReducer.reduceFn(last, event);
    return state;
  },
  finalizeFn({ messages }) {
    for (const message of messages) anthropicReducer.finalizeFn(message);
  },
};

/** The results of a batch: one message for each successful request. */
const batchReducer: StreamReducer<unknown, MessagesState> = {
  initialStateFn: () => ({ messages: [] }),
  reduceFn(state, chunk) {
    if (isObject(chunk) && isObject(chunk.result) && isObject(chunk.result.message)) {
      state.messages.push(clone(chunk.result.message));
    }
    return state;
  },
  finalizeFn: () => {},
};

function options(name: string, reducer?: StreamReducer<unknown, MessagesState>): OwnOpOptions {
  return {
    name,
    ...(reducer && { streamReducer: reducer as StreamReducer<unknown, unknown> }),
    summarize: ((result: unknown) => {
      const usage = streamedUsage(result, "messages");
      // An op that returns the same stream must not count it again.
      if (isObject(result) && Array.isArray(result.messages)) {
        for (const message of result.messages) countUsage(findUsage(message));
      }
      return usage;
    }) as OwnOpOptions["summarize"],
  };
}

function traced(
  path: readonly string[],
  name: string,
  reducer?: StreamReducer<unknown, MessagesState>,
): TracedClassMethod {
  return { path, name, trace: (original) => traceMethod(original, options(name, reducer)) };
}

/** The traced methods. Op names are those of the official SDK. */
export const ANTHROPIC_METHODS: readonly TracedClassMethod[] = [
  traced(["Messages"], "create", messageReducer),
  traced(["Beta", "Messages"], "create", messageReducer),
  traced(["Messages", "Batches"], "create"),
  traced(["Messages", "Batches"], "retrieve"),
  traced(["Messages", "Batches"], "results", batchReducer),
];
