/**
 * Token usage in the responses of known providers, converted to the format from which the server
 * computes costs.
 *
 * @module
 */

import { isProxy, readData } from "../../protocol/json/object_facts.ts";
import { isPlainData } from "../../protocol/json/stringify.ts";
import { shared } from "../../runtime/process/shared_state.ts";
import { mergeSummaries, type Summary } from "../calls/summary.ts";

/** The usage of one request to a model. */
export interface ModelUsage {
  /** Name of the model, from the response. */
  readonly model: string;
  /** Counters by name. */
  readonly counts: Summary;
  /** The object in the response that contains the counters; identifies the request. */
  readonly source: object;
  /** Whether the counters of a stream's chunk include the earlier chunks. */
  readonly isCumulative?: boolean;
}

const NONE: readonly ModelUsage[] = [];

/** Values of `object` in responses of OpenAI and compatible providers. */
const OPENAI_OBJECTS: ReadonlySet<unknown> = new Set([
  "chat.completion",
  "chat.completion.chunk",
  "text_completion",
  "response",
  "list",
]);

/**
 * Returns the usage of a response: chat completions, completions, responses and embeddings of
 * OpenAI, messages of Anthropic, contents of Gemini, results of the Vercel AI SDK, and any object
 * with a `model` and token counters in `usage`. Runs no getter. Called for every traced call, so it
 * is fast for other values.
 */
export function findUsage(value: unknown): readonly ModelUsage[] {
  if (typeof value !== "object" || value === null || isProxy(value)) return NONE;
  if (Object.hasOwn(value, "usage")) return usageOf(value);
  if (Object.hasOwn(value, "usageMetadata")) return geminiUsage(value);
  if (Object.hasOwn(value, "steps")) return usageOfEach(value, "steps");
  if (Object.hasOwn(value, "responses")) return usageOfEach(value, "responses");
  // Older Gemini SDKs wrap the response in a result.
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
  // In older versions of the Vercel AI SDK, a stream's last part repeats the sum of its steps.
  if (metadata === undefined || readData(response, "type") === "finish") return NONE;
  return aiSdkUsage(readData(metadata, "modelId"), source);
}

function isProviderResponse(response: object): boolean {
  return OPENAI_OBJECTS.has(readData(response, "object")) ||
    readData(response, "type") === "message" || Array.isArray(readData(response, "choices"));
}

/** Returns whether counters are named as in OpenAI and Anthropic, which many libraries imitate. */
function hasTokens(usage: object): boolean {
  return Object.keys(usage).some((name) =>
    name.endsWith("_tokens") && typeof readData(usage, name) === "number"
  );
}

/** Thinking tokens are billed as output, but are not included in the candidates' tokens. */
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
 * Returns the usage of a list: the steps behind the getters of `generateText`'s result, or the
 * responses of a stream.
 */
function usageOfEach(owner: object, key: string): readonly ModelUsage[] {
  const list = readObject(owner, key);
  if (!Array.isArray(list)) return NONE;
  return list.flatMap((_, i) => {
    const item = readObject(list, i);
    return item === undefined ? [] : usageOf(item);
  });
}

/**
 * Returns the usage of a step or result of the Vercel AI SDK, whose versions name counters
 * differently.
 */
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

/** Reads a property that is an object, but not a proxy. */
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

/**
 * Requests whose usage is already counted. Shared, so that another copy of the package does not
 * count them again.
 */
const counted = shared("counted-usage", () => new WeakSet<object>());

/**
 * Adds up the usage of requests that no call has counted yet, and marks them as counted. An op that
 * returns the response of another op's request therefore does not count it again.
 *
 * @returns Usage by model; `undefined` if all of it was already counted.
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

/** Original usage objects, by the reduced object. */
const sources = shared("usage-sources", () => new WeakMap<object, object>());

/** Marks `usage`, created while reducing a stream, as equivalent to the provider's usage object. */
export function setUsageSource(usage: object, source: object): void {
  sources.set(usage, sources.get(source) ?? source);
}
