/**
 * Reduces the events of a streamed OpenAI response to the response.
 *
 * @module
 */

import { isPlainData } from "../../protocol/json/stringify.ts";
import type { StreamReducer } from "../op/op_types.ts";
import { appendText, clone, isObject, type Json } from "./merge_delta.ts";
import { setUsageSource } from "./usage.ts";

/** Returns whether an event is the first one of a response. */
export function isResponseStart(event: Json): boolean {
  return (event.type === "response.created" || event.type === "response.queued") &&
    isObject(event.response);
}

/** Builds a response from its events; from an interrupted stream, the response so far. */
export const openAIResponseReducer: StreamReducer<unknown, Json> = {
  initialStateFn: () => ({}),
  reduceFn(response, event) {
    if (!isPlainData(event) || !isObject(event) || typeof event.type !== "string") return response;
    if (isObject(event.response)) takeResponse(response, event.response);
    else addEvent(response, event.type, event);
    return response;
  },
  finalizeFn: () => {},
};

/** Lifecycle events contain the current response; the last one is complete. */
function takeResponse(response: Json, given: Json): void {
  const { output } = response;
  Object.assign(response, clone(given));
  // While the response is being generated, its output is empty there.
  if (Array.isArray(given.output) && given.output.length === 0 && output !== undefined) {
    response.output = output;
  }
  if (isObject(response.usage) && isObject(given.usage)) {
    setUsageSource(response.usage, given.usage);
  }
}

/** Fields of content parts that arrive in deltas, by event name. */
const PART_TEXTS: Readonly<Record<string, string>> = {
  "response.output_text": "text",
  "response.refusal": "refusal",
  "response.reasoning_text": "text",
};
/** Fields of output items that arrive in deltas, by event name. */
const ITEM_TEXTS: Readonly<Record<string, string>> = {
  "response.function_call_arguments": "arguments",
  "response.mcp_call_arguments": "arguments",
  "response.custom_tool_call_input": "input",
  "response.code_interpreter_call_code": "code",
};

function addEvent(response: Json, type: string, event: Json): void {
  if (type.startsWith("response.output_item.") && isObject(event.item)) {
    const output = listOf(response, "output");
    const at = indexOf(event.output_index, output);
    output[at] = isObject(output[at]) ? { ...output[at], ...clone(event.item) } : clone(event.item);
  } else if (type.startsWith("response.content_part.") && isObject(event.part)) {
    const content = listOf(itemOf(response, event.output_index), "content");
    const at = indexOf(event.content_index, content);
    content[at] = isObject(content[at])
      ? { ...content[at], ...clone(event.part) }
      : clone(event.part);
  } else addText(response, type, event);
}

function addText(response: Json, type: string, event: Json): void {
  const dot = type.lastIndexOf(".");
  const name = type.slice(0, dot);
  const partKey = PART_TEXTS[name];
  const key = partKey ?? ITEM_TEXTS[name];
  if (key === undefined) return;
  const item = itemOf(response, event.output_index);
  const target = partKey === undefined ? item : partOf(item, event.content_index);
  if (type.endsWith(".delta")) {
    if (typeof event.delta === "string") target[key] = appendText(target[key], event.delta);
  } else if (typeof event[key] === "string") target[key] = event[key];
}

function itemOf(response: Json, index: unknown): Json {
  return objectAt(listOf(response, "output"), index);
}

function partOf(item: Json, index: unknown): Json {
  return objectAt(listOf(item, "content"), index);
}

function objectAt(list: unknown[], index: unknown): Json {
  const at = indexOf(index, list);
  if (!isObject(list[at])) list[at] = {};
  return list[at] as Json;
}

function listOf(owner: Json, key: string): unknown[] {
  if (!Array.isArray(owner[key])) owner[key] = [];
  return owner[key] as unknown[];
}

/**
 * Returns the index of an event; the last one if the index cannot exist in a list of this length.
 */
function indexOf(index: unknown, list: unknown[]): number {
  const isNext = Number.isInteger(index) && index as number >= 0 && index as number <= list.length;
  return isNext ? index as number : Math.max(0, list.length - 1);
}
