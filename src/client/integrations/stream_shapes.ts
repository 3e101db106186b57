/**
 * Detects streams of known providers by their first chunk.
 *
 * @module
 */

import { isPlainData } from "../../protocol/json/stringify.ts";
import type { StreamReducer } from "../op/op_types.ts";
import { anthropicReducer, isMessageStart } from "./anthropic_stream.ts";
import { isObject, type Json } from "./merge_delta.ts";
import { isChatChunk, openAIChatReducer } from "./openai_chat_stream.ts";
import { isResponseStart, openAIResponseReducer } from "./openai_responses_stream.ts";

/** A kind of stream, and the reducer that builds its output. */
export interface StreamShape {
  /** Returns whether a chunk begins such a stream. */
  readonly begins: (chunk: Json) => boolean;
  /** Returns whether a chunk belongs to such a stream. */
  readonly includes: (chunk: Json) => boolean;
  readonly reducer: StreamReducer<unknown, unknown>;
}

const SHAPES: readonly StreamShape[] = [
  { begins: isChatChunk, includes: isChatChunk, reducer: openAIChatReducer as never },
  {
    begins: isResponseStart,
    includes: ({ type }) => typeof type === "string" && type.startsWith("response."),
    reducer: openAIResponseReducer as never,
  },
  {
    begins: isMessageStart,
    includes: ({ type }) =>
      typeof type === "string" && (/^(?:message|content_block)_/.test(type) || type === "ping"),
    reducer: anthropicReducer as never,
  },
];

/**
 * Returns the kind of stream that begins with `chunk`; `undefined` for others. Runs no code of the
 * program.
 */
export function streamShape(chunk: unknown): StreamShape | undefined {
  if (!isPlainData(chunk) || !isObject(chunk)) return undefined;
  return SHAPES.find(({ begins }) => begins(chunk));
}

/** Returns whether a later chunk belongs to a stream of this kind. */
export function belongs(chunk: unknown, shape: StreamShape): boolean {
  return isPlainData(chunk) && isObject(chunk) && shape.includes(chunk);
}
