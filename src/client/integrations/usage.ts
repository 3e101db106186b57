/**
 * Token usage in the responses of known providers, in the form that the server computes costs from.
 *
 * @module
 */

import { isProxy, readData } from "../../protocol/json/object_facts.ts";
import { isPlainData } from "../../protocol/json/stringify.ts";
import { shared } from "../../runtime/process/shared_state.ts";
import { mergeSummaries, type Summary } from "../calls/summary.ts";

/** The usage of one request to a model. */
export interface ModelUsage {
  /** The model's name, as the response gives it. */
  readonly model: string;
  /** Counters by name. */
  readonly counts: Summary;
  /** The object of the response that holds the counters: it identifies the request. */
  readonly source: object;
  /** Whether the counters of a stream's chunk cover the chunks before it too. */
  readonly isCumulative?: boolean;
}

const NONE: readonly ModelUsage[] = [];

/** Values of `object` in responses of OpenAI and of those who speak its protocol. */
const OPENAI_OBJECTS: ReadonlySet<unknown> = new Set([
  "chat.completion",
  "chat.completion.chunk",
  "text_completion",
  "response",
  "list",
]);

/**
 * Returns the usage of a response: chat completions, completions, responses and embeddings of OpenAI,
 * messages of Anthropic, contents of Gemini, results of the Vercel AI SDK, and whatever names its
 * `model` and has counters of tokens in `usage`. Runs no getter. Every traced call asks, so the answer
 * for other values is cheap.
 */
export function findUsage(value: unknown): readonly ModelUsage[] {
  if (typeof value !== "object" || value === null || isProxy(value)) return NONE;
  if (Object.hasOwn(value, "usage")) return usageOf(value);
  if (Object.hasOwn(value, "usageMetadata")) return geminiUsage(value);
  if (Object.hasOwn(value, "steps")) return usageOfEach(value, "steps");
  if (Object.hasOwn(value, "responses")) return usageOfEach(value, "responses");
  // The older Gemini SDKs wrap the response in a result.
  const response = Object.hasOwn(value, "response") ? readObject(value, "response") : undefined;
  return response && Object.hasOwn(response, "usageMetadata") ? geminiUsage(response) : NONE;
}

function usageOf(response: object): readonly ModelUsage[] {
  const source = readObject(response, "usage");
  if (source === undefined) return NONE;
  const model = readData(response, "model");
  if (isProviderResponse(response) || (typeof model === "string" && hasTokens(source))) {
    return isPlainData(source) ? one(model, { ...source }, source) : NONE;
  }
  const metadata = readObject(response, "response");
  return metadata === undefined ? NONE : aiSdkUsage(readData(metadata, "modelId"), source);
}

function isProviderResponse(response: object): boolean {
  return OPENAI_OBJECTS.has(readData(response, "object")) ||
    readData(response, "type") === "message" || Array.isArray(readData(response, "choices"));
}

/** Whether counters are named as those of OpenAI and Anthropic, as many libraries do. */
function hasTokens(usage: object): boolean {
  return Object.keys(usage).some((name) =>
    name.endsWith("_tokens") && typeof readData(usage, name) === "number"
  );
}

/** Tokens of thoughts are billed as output, and not part of the candidates' tokens. */
function geminiUsage(response: object): readonly ModelUsage[] {
  const source = readObject(response, "usageMetadata");
  if (source === undefined) return NONE;
  const candidates = readCount(source, "candidatesTokenCount");
  const thoughts = readCount(source, "thoughtsTokenCount");
  const model = readData(response, "modelVersion");
  const found = one(model, {
    ...named("prompt_tokens", readCount(source, "promptTokenCount")),
    ...named("completion_tokens", sum(candidates, thoughts)),
    ...named("total_tokens", readCount(source, "totalTokenCount")),
    ...named("cached_content_tokens", readCount(source, "cachedContentTokenCount")),
    ...named("thoughts_tokens", thoughts),
  }, source);
  return found.map((usage) => ({ ...usage, isCumulative: true }));
}

/**
 * The usage of a list: the steps that the result of `generateText` has getters over, or the responses
 * of a stream.
 */
function usageOfEach(owner: object, key: string): readonly ModelUsage[] {
  const list = readObject(owner, key);
  if (!Array.isArray(list)) return NONE;
  return list.flatMap((_, i) => {
    const item = readObject(list, i);
    return item === undefined ? [] : usageOf(item);
  });
}

/** The usage of a step or a result of the Vercel AI SDK, whose versions name counters differently. */
function aiSdkUsage(model: unknown, source: object): readonly ModelUsage[] {
  const count = (...names: string[]) => {
    for (const name of names) {
      const nested = readObject(source, name);
      const found = nested ? readCount(nested, "total") : readCount(source, name);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const input = count("inputTokens", "promptTokens");
  const output = count("outputTokens", "completionTokens");
  return one(model, {
    ...named("input_tokens", input),
    ...named("output_tokens", output),
    ...named("total_tokens", count("totalTokens") ?? sum(input, output)),
    ...named("reasoning_tokens", count("reasoningTokens")),
    ...named("cached_input_tokens", count("cachedInputTokens")),
  }, source);
}

function one(model: unknown, counts: Summary, source: object): readonly ModelUsage[] {
  const hasCount = Object.values(counts).some((count) => typeof count === "number");
  return typeof model === "string" && model !== "" && hasCount ? [{ model, counts, source }] : NONE;
}

/** Reads a property that is an object and no proxy. */
function readObject(value: object, key: PropertyKey): object | undefined {
  const found = readData(value, key);
  return typeof found === "object" && found !== null && !isProxy(found) ? found : undefined;
}

function readCount(value: object, key: string): number | undefined {
  const found = readData(value, key);
  return typeof found === "number" ? found : undefined;
}

function named(name: string, count: number | undefined): Record<string, number> {
  return count === undefined ? {} : { [name]: count };
}

function sum(left: number | undefined, right: number | undefined): number | undefined {
  return left === undefined ? right : left + (right ?? 0);
}

/** Requests whose usage is in a summary. Shared: a copy of the package must not count them again. */
const counted = shared("counted-usage", () => new WeakSet<object>());

/**
 * Adds up the usage of requests that no call has counted yet, and marks these as counted. An op that
 * returns the response of another op's request thereby adds nothing to what that op has counted.
 *
 * @returns Usage by model; `undefined` where all of it is counted.
 */
export function countUsage(found: readonly ModelUsage[]): Summary | undefined {
  let usage: Summary | undefined;
  for (const { model, counts, source } of found) {
    const key = sources.get(source) ?? source;
    if (counted.has(key)) continue;
    counted.add(key);
    usage = mergeSummaries({ [model]: { requests: 1, ...counts } }, usage ?? {});
  }
  return usage;
}

/** The usage that a reduced usage was made from, by the reduced object. */
const sources = shared("usage-sources", () => new WeakMap<object, object>());

/** Lets `usage`, made while a stream was reduced, count as the usage that the provider sent. */
export function setUsageSource(usage: object, source: object): void {
  sources.set(usage, sources.get(source) ?? source);
}
