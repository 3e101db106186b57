/**
 * Reduces the events of a streamed Anthropic message to the message.
 *
 * @module
 */

import { isPlainData } from "../../protocol/json/stringify.ts";
import type { StreamReducer } from "../op/op_types.ts";
import { appendText, clone, isObject, type Json } from "./merge_delta.ts";
import { setUsageSource } from "./usage.ts";

/** Returns whether an event is the first one of a message. */
export function isMessageStart(event: Json): boolean {
  return event.type === "message_start" && isObject(event.message);
}

/** Tool input that arrives as fragments of JSON, by its block. */
const partialInputs = new WeakMap<object, string>();

/** Builds a message from its events; from an interrupted stream, the message so far. */
export const anthropicReducer: StreamReducer<unknown, Json> = {
  initialStateFn: () => ({}),
  reduceFn(message, event) {
    if (!isPlainData(event) || !isObject(event)) return message;
    switch (event.type) {
      case "message_start":
        if (isObject(event.message)) takeMessage(message, event.message);
        break;
      case "message_delta":
        if (isObject(event.delta)) Object.assign(message, clone(event.delta));
        if (isObject(event.usage)) addUsage(message, event.usage);
        break;
      case "content_block_start":
        if (typeof event.index === "number" && isObject(event.content_block)) {
          contentOf(message).push(clone(event.content_block));
        }
        break;
      case "content_block_delta":
        if (isObject(event.delta)) addDelta(blockAt(message, event.index), event.delta);
        break;
      case "content_block_stop":
        finishInput(blockAt(message, event.index));
        break;
    }
    return message;
  },
  finalizeFn(message) {
    for (const block of contentOf(message)) if (isObject(block)) finishInput(block);
  },
};

function takeMessage(message: Json, given: Json): void {
  Object.assign(message, clone(given));
  if (isObject(message.usage) && isObject(given.usage)) setUsageSource(message.usage, given.usage);
}

/** Later counters are totals of the message; missing ones and null leave the value unchanged. */
function addUsage(message: Json, later: Json): void {
  if (!isObject(message.usage)) {
    message.usage = {};
    setUsageSource(message.usage as Json, later);
  }
  for (const [key, value] of Object.entries(clone(later))) {
    if (value !== null) (message.usage as Json)[key] = value;
  }
}

function contentOf(message: Json): unknown[] {
  if (!Array.isArray(message.content)) message.content = [];
  return message.content as unknown[];
}

/** Returns the block of an event. Blocks arrive in order. */
function blockAt(message: Json, index: unknown): Json {
  const content = contentOf(message);
  const found = typeof index === "number" ? content[index] : content.at(-1);
  if (isObject(found)) return found;
  const block: Json = {};
  content.push(block);
  return block;
}

/** Field that a delta extends, by its type. */
const TEXTS: Readonly<Record<string, string>> = {
  text_delta: "text",
  thinking_delta: "thinking",
  signature_delta: "signature",
};

function addDelta(block: Json, delta: Json): void {
  const key = TEXTS[String(delta.type)];
  if (key !== undefined && typeof delta[key] === "string") {
    block[key] = appendText(block[key], delta[key] as string);
  } else if (delta.type === "input_json_delta" && typeof delta.partial_json === "string") {
    partialInputs.set(block, appendText(partialInputs.get(block), delta.partial_json));
  } else if (delta.type === "citations_delta") {
    if (!Array.isArray(block.citations)) block.citations = [];
    (block.citations as unknown[]).push(clone(delta.citation));
  }
}

function finishInput(block: Json): void {
  const text = partialInputs.get(block);
  if (text === undefined || text === "") return;
  partialInputs.delete(block);
  try {
    block.input = JSON.parse(text);
  } catch {
    // An interrupted stream: keep the incomplete text.
    block.input = text;
  }
}
