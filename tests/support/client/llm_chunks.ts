/**
 * Responses of model providers, complete and as the chunks of a stream.
 *
 * @module
 */

type Json = Record<string, unknown>;

export const CHAT_USAGE = {
  prompt_tokens: 9,
  completion_tokens: 3,
  total_tokens: 12,
  prompt_tokens_details: { cached_tokens: 4 },
};

export function chatCompletion(content = "Hello there"): Json {
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1_700_000_000,
    model: "gpt-4o-mini-2024-07-18",
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
    usage: { ...CHAT_USAGE },
  };
}

/** The chunks of a chat completion; the last one holds its usage. */
export function chatChunks(deltas: Json[] = textDeltas(), finish = "stop"): Json[] {
  const chunk = (choices: Json[], usage: Json | null = null) => ({
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    created: 1_700_000_000,
    model: "gpt-4o-mini-2024-07-18",
    choices,
    usage,
  });
  return [
    ...deltas.map((delta) => chunk([{ index: 0, delta, finish_reason: null }])),
    chunk([{ index: 0, delta: {}, finish_reason: finish }]),
    chunk([], { ...CHAT_USAGE }),
  ];
}

export function textDeltas(): Json[] {
  return [{ role: "assistant", content: "" }, { content: "Hello" }, { content: " there" }];
}

export const RESPONSE_USAGE = { input_tokens: 11, output_tokens: 5, total_tokens: 16 };

export function response(): Json {
  return {
    id: "resp_1",
    object: "response",
    created_at: 1_700_000_000,
    status: "completed",
    model: "gpt-4o-2024-08-06",
    output: [{
      id: "msg_1",
      type: "message",
      status: "completed",
      role: "assistant",
      content: [{ type: "output_text", text: "Hi you", annotations: [] }],
    }],
    usage: { ...RESPONSE_USAGE },
  };
}

/** The events of a response. */
export function responseEvents(): Json[] {
  const open = { ...response(), status: "in_progress", output: [], usage: null };
  const at = { item_id: "msg_1", output_index: 0, content_index: 0 };
  const part = { type: "output_text", text: "", annotations: [] };
  const item = { id: "msg_1", type: "message", status: "in_progress", role: "assistant" };
  return [
    { type: "response.created", response: open },
    { type: "response.in_progress", response: open },
    { type: "response.output_item.added", output_index: 0, item: { ...item, content: [] } },
    { type: "response.content_part.added", ...at, part },
    { type: "response.output_text.delta", ...at, delta: "Hi" },
    { type: "response.output_text.delta", ...at, delta: " you" },
    { type: "response.output_text.done", ...at, text: "Hi you" },
    { type: "response.content_part.done", ...at, part: { ...part, text: "Hi you" } },
    { type: "response.output_item.done", output_index: 0, item: (response().output as Json[])[0] },
    { type: "response.completed", response: response() },
  ].map((event, i) => ({ ...event, sequence_number: i }));
}

export function anthropicMessage(): Json {
  return {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude-sonnet-4-20250514",
    content: [
      { type: "text", text: "Let me look." },
      { type: "tool_use", id: "toolu_1", name: "look", input: { at: ["a", "b"] } },
    ],
    stop_reason: "tool_use",
    stop_sequence: null,
    usage: { input_tokens: 20, cache_read_input_tokens: 7, output_tokens: 30 },
  };
}

/** The events of a message. */
export function anthropicEvents(): Json[] {
  return [
    {
      type: "message_start",
      message: {
        ...anthropicMessage(),
        content: [],
        stop_reason: null,
        usage: { input_tokens: 20, cache_read_input_tokens: 7, output_tokens: 1 },
      },
    },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Let me" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: " look." } },
    { type: "content_block_stop", index: 0 },
    {
      type: "content_block_start",
      index: 1,
      content_block: { type: "tool_use", id: "toolu_1", name: "look", input: {} },
    },
    {
      type: "content_block_delta",
      index: 1,
      delta: { type: "input_json_delta", partial_json: '{"at": ["a",' },
    },
    {
      type: "content_block_delta",
      index: 1,
      delta: { type: "input_json_delta", partial_json: ' "b"]}' },
    },
    { type: "content_block_stop", index: 1 },
    {
      type: "message_delta",
      delta: { stop_reason: "tool_use", stop_sequence: null },
      usage: { output_tokens: 30, input_tokens: null },
    },
    { type: "message_stop" },
  ];
}

/** A Gemini response like that of its class: own data and getters. */
export class GeminiResponse {
  candidates: Json[] = [{ content: { role: "model", parts: [{ text: "Hi" }] } }];
  modelVersion: string = "gemini-2.5-flash";
  usageMetadata: Json;
  constructor(candidatesTokenCount = 6) {
    this.usageMetadata = {
      promptTokenCount: 8,
      candidatesTokenCount,
      thoughtsTokenCount: 10,
      totalTokenCount: 18 + candidatesTokenCount,
    };
  }
  get text(): string {
    throw new Error("Tracing runs no getter");
  }
}

/** A two-step result of the Vercel AI SDK's `generateText`. */
export class GenerateTextResult {
  steps: Json[] = [this.#step(5), this.#step(7)];
  totalUsage: Json = { inputTokens: 200, outputTokens: 12, totalTokens: 212 };
  get usage(): never {
    throw new Error("Tracing runs no getter");
  }
  #step(outputTokens: number): Json {
    const usage = { inputTokens: 100, outputTokens, totalTokens: 100 + outputTokens };
    return { text: "Hi", usage, response: { id: "r", modelId: "gpt-5-mini" } };
  }
}
