/**
 * Reduces the chunks of a streamed chat completion to the completion.
 *
 * @module
 */

import { isPlainData } from "../../protocol/json/stringify.ts";
import type { StreamReducer } from "../op/op_types.ts";
import { clone, isObject, type Json, mergeDelta } from "./merge_delta.ts";
import { setUsageSource } from "./usage.ts";

/** A chat completion, as received so far. */
export interface ChatCompletionState {
  id: string;
  object: string;
  created: number;
  model: string;
  choices: Json[];
  usage: Json | null;
}

/**
 * Returns whether a chunk belongs to a chat completion. Azure's first chunk has neither ID nor
 * type, and no choices.
 */
export function isChatChunk(chunk: Json): boolean {
  return Array.isArray(chunk.choices) && "created" in chunk &&
    (chunk.object === "chat.completion.chunk" || chunk.object === "");
}

/**
 * Builds a completion from its chunks: text and tool call arguments are concatenated, in each
 * choice. Apart from choices, only fields of the official SDK's format are kept.
 */
export const openAIChatReducer: StreamReducer<unknown, ChatCompletionState> = {
  initialStateFn: () => ({
    id: "",
    object: "chat.completion",
    created: 0,
    model: "",
    choices: [newChoice(0)],
    usage: null,
  }),
  reduceFn(state, chunk) {
    if (!isPlainData(chunk) || !isObject(chunk)) return state;
    if (typeof chunk.id === "string" && chunk.id !== "") state.id = chunk.id;
    if (typeof chunk.object === "string" && chunk.object !== "") state.object = chunk.object;
    if (typeof chunk.created === "number" && chunk.created !== 0) state.created = chunk.created;
    if (typeof chunk.model === "string" && chunk.model !== "") state.model = chunk.model;
    if (Array.isArray(chunk.choices)) {
      for (const choice of chunk.choices) {
        addChoice(state, choice);
      }
    }
    if (isObject(chunk.usage)) {
      state.usage = clone(chunk.usage);
      setUsageSource(state.usage, chunk.usage);
    }
    return state;
  },
  finalizeFn: () => {},
};

function newChoice(index: number): Json {
  return {
    index,
    message: { role: "assistant", content: "", function_call: null },
    finish_reason: null,
  };
}

function addChoice(state: ChatCompletionState, part: unknown): void {
  if (!isObject(part)) return;
  const index = typeof part.index === "number" ? part.index : 0;
  let choice = state.choices.find((other) => other.index === index);
  if (choice === undefined) {
    choice = newChoice(index);
    state.choices.push(choice);
  }
  if (isObject(part.delta)) mergeDelta(choice.message as Json, part.delta);
  if (part.finish_reason) choice.finish_reason = part.finish_reason;
  if (isObject(part.logprobs)) mergeDelta(choice, { logprobs: part.logprobs });
}
