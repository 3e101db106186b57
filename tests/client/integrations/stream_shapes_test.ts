import assert from "node:assert/strict";
import { op } from "../../../src/client/op/op.ts";
import { type Any, clientFixture } from "../../support/client/client_fixture.ts";
import {
  anthropicEvents,
  anthropicMessage,
  CHAT_USAGE,
  chatChunks,
  GeminiResponse,
  response,
  RESPONSE_USAGE,
  responseEvents,
} from "../../support/client/llm_chunks.ts";
import { exceptionMessage } from "../../support/client/exception_message.ts";
import { test } from "../../harness.ts";

const MODEL = "gpt-4o-mini-2024-07-18";

/** A stream like those of the SDKs: an iterable with a class of its own. */
class Stream<T> {
  constructor(readonly chunks: Iterable<T>, readonly error?: Error) {}
  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (const chunk of this.chunks) {
      await Promise.resolve();
      yield chunk;
    }
    if (this.error) throw this.error;
  }
}

async function record(
  chunks: Iterable<unknown>,
  read: (stream: AsyncIterable<unknown>) => Promise<void> = readAll,
  error?: Error,
): Promise<Any> {
  using fixture = await clientFixture();
  const stream = new Stream(chunks, error);
  const source = op(() => stream, { name: "source" });
  const returned = source();
  assert.equal(returned, stream, "The program gets the stream itself");
  assert.equal(fixture.pipeline.of("call_end").length, 0);
  await read(returned);
  return fixture.pipeline.callsOf("source")[0];
}

async function readAll(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

async function readSome(stream: AsyncIterable<unknown>, count: number): Promise<void> {
  for await (const _ of stream) if (--count === 0) break;
}

const completion = (message: Any, finish_reason: string | null, usage: Any = CHAT_USAGE) => ({
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  created: 1_700_000_000,
  model: MODEL,
  choices: [{
    index: 0,
    message: { role: "assistant", content: "", function_call: null, ...message },
    finish_reason,
  }],
  usage,
});

test("stream shapes: a chat completion is recorded as one, with its usage", async () => {
  const call = await record(chatChunks());
  assert.deepEqual(call.output, completion({ content: "Hello there" }, "stop"));
  assert.deepEqual(call.summary.usage, { [MODEL]: { requests: 1, ...CHAT_USAGE } });
});

test("stream shapes: tool calls and refusals of a chat completion are assembled", async () => {
  const call = (index: number, delta: Any) => ({ tool_calls: [{ index, ...delta }] });
  const { output } = await record(chatChunks([
    { role: "assistant", content: null },
    call(0, { id: "call_a", type: "function", function: { name: "look", arguments: "" } }),
    call(0, { function: { arguments: '{"at":' } }),
    call(1, { id: "call_b", type: "function", function: { name: "go", arguments: "{}" } }),
    call(0, { id: "call_a", function: { arguments: '"here"}' } }),
    { refusal: "I " },
    { refusal: "won't" },
  ], "tool_calls"));
  assert.deepEqual(output.choices[0].message.tool_calls, [
    {
      index: 0,
      id: "call_a",
      type: "function",
      function: { name: "look", arguments: '{"at":"here"}' },
    },
    { index: 1, id: "call_b", type: "function", function: { name: "go", arguments: "{}" } },
  ]);
  assert.equal(output.choices[0].message.refusal, "I won't");
  assert.equal(output.choices[0].finish_reason, "tool_calls");
});

test("stream shapes: all choices of a chat completion are recorded", async () => {
  const chunks = chatChunks().map((chunk) => ({
    ...chunk,
    choices: (chunk.choices as Any[]).flatMap((choice) => [choice, { ...choice, index: 1 }]),
  }));
  const { output } = await record(chunks);
  assert.deepEqual(output.choices.map(({ message }: Any) => message.content), [
    "Hello there",
    "Hello there",
  ]);
});

test("stream shapes: a chat completion may also begin with Azure's first chunk", async () => {
  const first = {
    id: "",
    object: "",
    created: 0,
    model: "",
    choices: [],
    prompt_filter_results: [],
  };
  const { output } = await record([first, ...chatChunks()]);
  assert.deepEqual(output, completion({ content: "Hello there" }, "stop"));
});

test("stream shapes: a response is recorded in its final state", async () => {
  const call = await record(responseEvents());
  assert.deepEqual(call.output, response());
  assert.deepEqual(call.summary.usage["gpt-4o-2024-08-06"], { requests: 1, ...RESPONSE_USAGE });
});

test("stream shapes: the received part of an abandoned response is recorded", async () => {
  const [created, progress, ...events] = responseEvents();
  const given = [created, ...events.slice(0, 4), progress, ...events.slice(4)];
  const call = await record(given, (stream) => readSome(stream, 6));
  assert.equal(call.output.status, "in_progress");
  assert.equal(call.output.output[0].content[0].text, "Hi you");
  const args = [
    responseEvents()[0],
    { type: "response.output_item.added", output_index: 0, item: { type: "function_call" } },
    { type: "response.function_call_arguments.delta", output_index: 0, delta: '{"a"' },
    { type: "response.function_call_arguments.delta", output_index: 0, delta: ":1" },
  ];
  const { output } = await record(args);
  assert.deepEqual(output.output, [{ type: "function_call", arguments: '{"a":1' }]);
});

test("stream shapes: a message of Anthropic is recorded with its blocks and its usage", async () => {
  const call = await record(anthropicEvents());
  assert.deepEqual(call.output, anthropicMessage());
  assert.deepEqual(call.summary.usage, {
    "claude-sonnet-4-20250514": {
      requests: 1,
      input_tokens: 20,
      cache_read_input_tokens: 7,
      output_tokens: 30,
    },
  });
});

test("stream shapes: an interrupted message keeps the input of its tool as text", async () => {
  const error = new Error("overloaded");
  const events = anthropicEvents().slice(0, 7);
  const read = (stream: AsyncIterable<unknown>) => assert.rejects(readAll(stream), error);
  const call = await record(events, read, error);
  assert.equal(exceptionMessage(call.exception), "overloaded");
  assert.equal(call.output.content[1].input, '{"at": ["a",');
  assert.equal(call.summary.usage["claude-sonnet-4-20250514"].input_tokens, 20);
});

test("stream shapes: chunks remain the program's and may be modified", async () => {
  for (const chunks of [chatChunks(), responseEvents(), anthropicEvents()]) {
    const before = structuredClone(chunks);
    await record(chunks);
    assert.deepEqual(chunks, before);
  }
  const call = await record(anthropicEvents(), async (stream) => {
    for await (const event of stream) {
      for (const key of Object.keys(event as Any)) (event as Any)[key] = "changed";
    }
  });
  assert.deepEqual(call.output, anthropicMessage());
});

test("stream shapes: an unknown chunk is recorded after the message", async () => {
  const { output } = await record([...chatChunks(), { event: "done" }]);
  assert.deepEqual(output, [completion({ content: "Hello there" }, "stop"), { event: "done" }]);
});

test("stream shapes: summarize gets the chunks of a stream, as with unknown shapes", async () => {
  using fixture = await clientFixture();
  const source = op(async function* source() {
    yield* chatChunks();
  }, { summarize: (chunks) => ({ chunks: chunks.length }) });
  await readAll(source());
  const [{ summary, output }] = fixture.pipeline.callsOf("source");
  assert.equal(summary.chunks, chatChunks().length);
  assert.equal(summary.usage[MODEL].total_tokens, 12);
  assert.equal(output.choices[0].message.content, "Hello there");
});

test("stream shapes: the usage of a list of chunks is the last one's for Gemini, and the sum of all steps", async () => {
  const gemini = await record([new GeminiResponse(2), new GeminiResponse(6)]);
  assert.equal(gemini.output.length, 2);
  assert.deepEqual(gemini.summary.usage["gemini-2.5-flash"], {
    requests: 1,
    prompt_tokens: 8,
    completion_tokens: 16,
    total_tokens: 24,
    thoughts_tokens: 10,
  });
  const step = () => ({
    type: "finish-step",
    usage: { inputTokens: 10, outputTokens: 2 },
    response: { modelId: "gpt-5-mini" },
  });
  const steps = await record([{ type: "text-delta", text: "Hi" }, step(), step()]);
  assert.deepEqual(steps.summary.usage["gpt-5-mini"], {
    requests: 2,
    input_tokens: 20,
    output_tokens: 4,
    total_tokens: 24,
  });
  const part = (type: string, usage: object) => ({ type, usage, response: { modelId: "gpt-4o" } });
  const older = await record([
    part("step-finish", { promptTokens: 10, completionTokens: 2 }),
    part("step-finish", { promptTokens: 20, completionTokens: 3 }),
    part("finish", { promptTokens: 30, completionTokens: 5 }),
  ]);
  assert.deepEqual(older.summary.usage["gpt-4o"], {
    requests: 2,
    input_tokens: 30,
    output_tokens: 5,
    total_tokens: 35,
  });
});

test("stream shapes: a stream that passes through several ops counts once", async () => {
  using fixture = await clientFixture();
  const source = op(() => new Stream(anthropicEvents()), { name: "source" });
  const same = op(() => source(), { name: "same" });
  const again = op(async function* again() {
    yield* same();
  });
  await readAll(again());
  const output = (name: string) =>
    fixture.pipeline.callsOf(name)[0].summary.usage["claude-sonnet-4-20250514"].output_tokens;
  assert.deepEqual(["source", "same", "again"].map(output), [30, 30, 30]);
});
