/**
 * The traced methods of an OpenAI client, and how their calls are recorded.
 *
 * @module
 */

import { isProxy, readData } from "../../protocol/json/object_facts.ts";
import { weaveImage } from "../objects/media.ts";
import { makeOp } from "../op/op.ts";
import type { AnyFunction, OwnOpOptions, StreamReducer } from "../op/op_types.ts";
import { isOp } from "../op/op_state.ts";
import { runUntraced } from "../calls/call_stack.ts";
import type { Summary } from "../calls/summary.ts";
import { isObject, type Json } from "./merge_delta.ts";
import { openAIChatReducer } from "./openai_chat_stream.ts";
import { openAIResponseReducer } from "./openai_responses_stream.ts";

/** A method of a resource. */
export interface TracedMethod {
  /** Path of the resource from the client. */
  readonly resource: readonly string[];
  readonly name: string;
  /** Returns the traced method. */
  readonly trace: (original: AnyFunction) => AnyFunction;
}

type Prepare = (args: unknown[]) => unknown[];

/**
 * @param prepare Changes the arguments of the request; the program's arguments are recorded.
 * @param isComposed Whether the method makes its one request with another traced method.
 */
function traced(
  resource: readonly string[],
  name: string,
  options: OwnOpOptions,
  prepare: Prepare = (args) => args,
  isComposed = false,
): TracedMethod {
  return {
    resource,
    name,
    trace: (original) => traceMethod(original, options, prepare, isComposed),
  };
}

/** Turns a method into an op with the same `this` and the same return value. */
export function traceMethod(
  original: AnyFunction,
  options: OwnOpOptions,
  prepare: Prepare = (args) => args,
  isComposed = false,
): AnyFunction {
  if (isOp(original)) return original;
  const request = function (this: unknown, ...args: unknown[]): unknown {
    const send = () => Reflect.apply(original, this, prepare(args));
    return isComposed ? runUntraced(send) : send();
  };
  return makeOp(request, { ...options, originalFunction: original }).wrapper;
}

function chat(name: string): OwnOpOptions {
  return {
    name,
    parameterNames: "useParam0Object",
    streamReducer: openAIChatReducer as StreamReducer<unknown, unknown>,
    summarize: chatUsage as OwnOpOptions["summarize"],
  };
}

/** An abandoned stream has no usage, but counts as a request. */
function chatUsage(result: unknown): Summary {
  const model = isData(result) ? readData(result, "model") : undefined;
  if (typeof model !== "string" || model === "") return {};
  const usage = readData(result as object, "usage");
  return { usage: { [model]: isObject(usage) ? usage : {} } };
}

/** OpenAI includes the usage in a streamed completion only on request. */
function withUsage([params, ...rest]: unknown[]): unknown[] {
  if (!isObject(params) || !params.stream) return [params, ...rest];
  const { stream_options: options } = params;
  return [
    { ...params, stream_options: { ...(isObject(options) ? options : {}), include_usage: true } },
    ...rest,
  ];
}

function responses(name: string): OwnOpOptions {
  return {
    name,
    parameterNames: "useParam0Object",
    streamReducer: responsesReducer as StreamReducer<unknown, unknown>,
    summarize: ((result: unknown) => streamedUsage(result, "responses")) as OwnOpOptions[
      "summarize"
    ],
  };
}

interface ResponsesState {
  responses: Json[];
}

/** The official SDK's format: a list with the responses of the stream. */
const responsesReducer: StreamReducer<unknown, ResponsesState> = {
  initialStateFn: () => ({ responses: [] }),
  reduceFn(state, event) {
    const isNew = isObject(event) && isObject(event.response) &&
      (event.type === "response.created" || state.responses.length === 0);
    if (isNew) state.responses.push(openAIResponseReducer.initialStateFn());
    const last = state.responses.at(-1);
    if (last !== undefined) openAIResponseReducer.reduceFn(last, event);
    return state;
  },
  finalizeFn: () => {},
};

/**
 * Returns the usage of a stream, in the official SDK's format. The usage of a response is found
 * separately.
 */
export function streamedUsage(result: unknown, key: string): Summary {
  const list = isData(result) ? readData(result, key) : undefined;
  if (!Array.isArray(list)) return {};
  const usage: Record<string, { input_tokens: number; output_tokens: number }> = {};
  for (const { model, usage: counts } of list as Json[]) {
    if (typeof model !== "string" || !isObject(counts)) continue;
    const own = usage[model] ??= { input_tokens: 0, output_tokens: 0 };
    own.input_tokens += Number(counts.input_tokens ?? 0);
    own.output_tokens += Number(counts.output_tokens ?? 0);
  }
  return { usage };
}

function isData(value: unknown): value is object {
  return typeof value === "object" && value !== null && !isProxy(value);
}

function imagesOf(result: unknown): unknown[] | undefined {
  const data = isData(result) ? readData(result, "data") : undefined;
  return !isProxy(data) && Array.isArray(data) ? data : undefined;
}

function countImages(result: unknown): Summary {
  const images = imagesOf(result);
  if (images === undefined) return {};
  return { usage: { "dall-e": { images_generated: images.length } } };
}

/** Returns the result as recorded: images, which the program gets as text, become files. */
function withImages(result: unknown): unknown {
  const images = imagesOf(result);
  if (images === undefined) return result;
  return { ...(result as object), data: images.map(asImage) };
}

function asImage(item: unknown): unknown {
  const text = isData(item) ? readData(item, "b64_json") : undefined;
  if (typeof text !== "string" || text === "") return item;
  try {
    return weaveImage({ data: Uint8Array.from(atob(text), (char) => char.charCodeAt(0)) });
  } catch {
    // Not Base64: record it unchanged.
    return item;
  }
}

/** The traced methods. Op names are those of the official SDK, where it traces them. */
export const TRACED_METHODS: readonly TracedMethod[] = [
  traced(["chat", "completions"], "create", chat("openai.chat.completions.create"), withUsage),
  traced(["chat", "completions"], "parse", chat("openai.chat.completions.parse"), undefined, true),
  traced(
    ["beta", "chat", "completions"],
    "parse",
    chat("openai.beta.chat.completions.parse"),
    undefined,
    true,
  ),
  traced(["responses"], "create", responses("create")),
  traced(["responses"], "parse", responses("openai.responses.parse"), undefined, true),
  traced(["images"], "generate", {
    name: "openai.images.generate",
    summarize: countImages,
    toOutput: withImages,
  }),
  traced(["embeddings"], "create", {
    name: "openai.embeddings.create",
    parameterNames: "useParam0Object",
  }),
];

/** Methods that make one or more requests with other methods of the client. */
export const HELPERS: readonly { resource: readonly string[]; name: string }[] = [
  { resource: ["chat", "completions"], name: "stream" },
  { resource: ["chat", "completions"], name: "runTools" },
  { resource: ["beta", "chat", "completions"], name: "stream" },
  { resource: ["beta", "chat", "completions"], name: "runTools" },
  { resource: ["beta", "chat", "completions"], name: "runFunctions" },
  { resource: ["responses"], name: "stream" },
];
