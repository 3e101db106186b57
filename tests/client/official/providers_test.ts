/**
 * Behavior of OpenAI and Anthropic clients that the official SDK's own tests specify.
 *
 * @module
 */

import assert from "node:assert/strict";
import OpenAI from "openai";
import { wrapOpenAI } from "../../../src/client/integrations/wrap_openai.ts";
import { op } from "../../../src/client/op/op.ts";
import { patchSdk, SDKS } from "../../../src/instrument/patch_sdk.ts";
import { type Any, clientFixture } from "../../support/client/client_fixture.ts";
import { fakeOpenAI } from "../../support/client/fake_openai.ts";
import {
  anthropicEvents,
  anthropicMessage,
  chatChunks,
  chatCompletion,
} from "../../support/client/llm_chunks.ts";
import { test } from "../../harness.ts";

const MODEL = "gpt-4o-mini-2024-07-18";
const params = { model: "gpt-4o-mini", messages: [{ role: "user" as const, content: "Hi" }] };

function wrapped(): OpenAI {
  return wrapOpenAI(new OpenAI({ apiKey: "sk-1", fetch: fakeOpenAI().fetch, maxRetries: 0 }));
}

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const chunks: T[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

/** A client with one method, which streams these chunks. */
function streaming(chunks: Any[], error?: Error): Any {
  const create = () =>
    Promise.resolve((async function* () {
      for (const chunk of chunks) yield await Promise.resolve(chunk);
      if (error) throw error;
    })());
  return wrapOpenAI({ chat: { completions: { create } }, responses: { create } });
}

const usageOf = ({ summary }: Any): unknown => summary.usage;

test("official: a chat completion is recorded with inputs, output and usage as they are", async () => {
  using fixture = await clientFixture();
  const completion = await wrapped().chat.completions.create(params);
  const [call] = fixture.pipeline.callsOf("openai.chat.completions.create");
  assert.deepEqual(call.inputs, params, "nothing is added to the inputs");
  assert.deepEqual(call.output, JSON.parse(JSON.stringify(completion)));
  assert.equal(call.summary.usage[MODEL].requests, 1);
  assert.equal(call.summary.usage[MODEL].total_tokens, completion.usage!.total_tokens);
});

test("official: a streamed chat completion is recorded completely, however it is requested", async () => {
  const ways: Record<string, (client: OpenAI) => Promise<AsyncIterable<Any>>> = {
    "plain": (client) => client.chat.completions.create({ ...params, stream: true }),
    "with usage": (client) =>
      client.chat.completions.create({
        ...params,
        stream: true,
        stream_options: { include_usage: true },
      }),
    "withResponse()": async (client) => {
      const { data, response } = await client.chat.completions
        .create({ ...params, stream: true }).withResponse();
      assert.equal(response.status, 200);
      return data;
    },
  };
  for (const [what, ask] of Object.entries(ways)) {
    using fixture = await clientFixture();
    const chunks = await all(await ask(wrapped()));
    assert.deepEqual(chunks, chatChunks(), what);
    const [call] = fixture.pipeline.callsOf("openai.chat.completions.create");
    assert.equal(call.output.choices[0].message.content, "Hello there", what);
    assert.equal(call.summary.usage[MODEL].requests, 1, what);
    assert.equal(call.inputs.stream, true);
    assert.equal("stream_options" in call.inputs, what === "with usage");
  }
});

test("official: a promise of an unknown class is returned unchanged, with or without a trace", async () => {
  using fixture = await clientFixture();
  const answer = { object: "chat.completion", model: MODEL, choices: [], usage: {} };
  const bare = { then: (done: (value: unknown) => void) => done(answer) };
  const client = wrapOpenAI({ chat: { completions: { create: (_: object) => bare } } });
  assert.equal(await client.chat.completions.create(params), answer);
  assert.ok(fixture.pipeline.calls().length <= 1);
});

test("official: the call of a function is in the recorded message", async () => {
  using fixture = await clientFixture();
  const tool = { type: "function" as const, function: { name: "get_weather", parameters: {} } };
  const { choices } = await wrapped().chat.completions.create({ ...params, tools: [tool] });
  const [call] = fixture.pipeline.callsOf("openai.chat.completions.create");
  assert.ok(choices[0].message.tool_calls!.length > 0);
  assert.deepEqual(call.output.choices[0].message.tool_calls, choices[0].message.tool_calls);
  assert.deepEqual(call.inputs.tools, [tool]);
});

test("official: deltas of a response reach the program, and the record has their text", async () => {
  using fixture = await clientFixture();
  const item = { id: "m", type: "message", status: "in_progress", content: [], role: "assistant" };
  const at = { item_id: "m", output_index: 0, content_index: 0 };
  const chunks = [
    { type: "response.created", response: { id: "r", model: MODEL, status: "in_progress" } },
    { type: "response.output_item.added", output_index: 0, item },
    {
      type: "response.content_part.added",
      ...at,
      part: { type: "output_text", annotations: [], text: "" },
    },
    { type: "response.output_text.delta", ...at, delta: "Arr" },
    { type: "response.output_text.delta", ...at, delta: "r" },
    { type: "response.output_text.done", ...at, text: "Arrr" },
  ];
  const asked = { model: "gpt-4o", input: "Are semicolons required?", stream: true };
  const seen = await all<Any>(await streaming(chunks).responses.create(asked));
  assert.equal(seen.map(({ delta }) => delta ?? "").join(""), "Arrr");
  const [call] = fixture.pipeline.callsOf("create");
  assert.equal(call.output.responses[0].output[0].content[0].text, "Arrr");
  assert.equal(call.inputs.model ?? call.inputs.arg0?.model, "gpt-4o");
});

test("official: a stream that throws is recorded with its error, which the program gets", async () => {
  for (const method of ["chat", "responses"]) {
    using fixture = await clientFixture();
    const boom = new Error("stream blew up");
    const client = streaming([{ type: "response.output_text.delta", delta: "part" }], boom);
    const { create } = method === "chat" ? client.chat.completions : client.responses;
    const stream = await create({ ...params, stream: true });
    await assert.rejects(all(stream), (error) => error === boom);
    const [call] = fixture.pipeline.calls();
    assert.match(call.exception, /stream blew up/);
  }
});

test("official: the usage of a chat adds up to the op around it", async () => {
  using fixture = await clientFixture();
  const client = wrapped();
  await op(async function twice() {
    await client.chat.completions.create(params);
    await client.chat.completions.create(params);
  })();
  const [twice] = fixture.pipeline.callsOf("twice");
  const one = chatCompletion("Hello").usage as Record<string, number>;
  assert.equal(twice.summary.usage[MODEL].requests, 2);
  assert.equal(twice.summary.usage[MODEL].total_tokens, 2 * one.total_tokens);
});

/** The classes of the Anthropic SDK, traced, with canned responses. */
function anthropic(answers: Record<string, (options: Any) => Any>): Any {
  class Messages {
    static Batches = class Batches {
      create = (options: Any): Any => options;
    };
    create(options: Any): Any {
      return answers.create(options);
    }
  }
  class Batches {
    create(options: Any): Any {
      return answers.batch(options);
    }
    retrieve(id: string): Any {
      return answers.batch(id);
    }
    results(id: string): Any {
      return answers.results(id);
    }
  }
  Messages.Batches = Batches as Any;
  patchSdk(SDKS.find(({ className }) => className === "Anthropic")!, { Anthropic: { Messages } });
  return { messages: new Messages(), batches: new Batches() };
}

async function* given(chunks: Any[]): AsyncGenerator<Any> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

const asked = { model: "claude-sonnet-4", max_tokens: 9, messages: params.messages };

test("official: messages of Anthropic, whole and streamed, are recorded with their usage", async () => {
  using fixture = await clientFixture();
  const { messages } = anthropic({
    create: async ({ stream }) =>
      await Promise.resolve(stream ? given(anthropicEvents()) : anthropicMessage()),
  });
  assert.deepEqual(await messages.create(asked), anthropicMessage());
  assert.deepEqual(await all(await messages.create({ ...asked, stream: true })), anthropicEvents());
  const [whole, streamed] = fixture.pipeline.callsOf("create");
  assert.deepEqual(whole.output, anthropicMessage());
  assert.equal(streamed.output.messages.length, 1);
  for (const { summary, inputs } of [whole, streamed]) {
    const [[model, { requests, input_tokens, output_tokens }]] = Object.entries<Any>(summary.usage);
    assert.equal(model, (anthropicMessage() as Any).model);
    assert.equal(requests, 1);
    assert.ok(input_tokens > 0 && output_tokens > 0);
    assert.equal(inputs.arg0.model, asked.model);
  }
});

test("official: batches of Anthropic are recorded, results with the usage of their messages", async () => {
  using fixture = await clientFixture();
  const batch = { id: "b-1", type: "message_batch", processing_status: "ended" };
  const results = [{ custom_id: "1", result: { type: "message", message: anthropicMessage() } }];
  const { batches } = anthropic({
    batch: async () => await Promise.resolve(batch),
    results: async () => await Promise.resolve(given(results)),
  });
  assert.deepEqual(await batches.create({ requests: [] }), batch);
  assert.deepEqual(await batches.retrieve("b-1"), batch);
  assert.deepEqual(await all(await batches.results("b-1")), results);
  const [created] = fixture.pipeline.callsOf("create");
  const [retrieved] = fixture.pipeline.callsOf("retrieve");
  const [read] = fixture.pipeline.callsOf("results");
  assert.deepEqual([created.output, retrieved.output], [batch, batch]);
  assert.equal(retrieved.inputs.arg0, "b-1");
  assert.deepEqual(read.output.messages, [anthropicMessage()]);
  assert.equal(Object.values<Any>(usageOf(read) as object)[0].requests, 1);
});

test("official: an error of Anthropic is the program's, and usage is counted by model", async () => {
  using fixture = await clientFixture();
  const usage = { input_tokens: 10, output_tokens: 8 };
  const { messages } = anthropic({
    create: async ({ model }) => {
      if (model === "broken") throw new Error("API Error");
      return await Promise.resolve({ ...anthropicMessage(), model, usage: { ...usage } });
    },
  });
  await assert.rejects(messages.create({ ...asked, model: "broken" }), /API Error/);
  await op(async function both() {
    await messages.create({ ...asked, model: "opus" });
    await messages.create({ ...asked, model: "haiku" });
  })();
  const [failed] = fixture.pipeline.callsOf("create");
  assert.match(failed.exception, /API Error/);
  const [both] = fixture.pipeline.callsOf("both");
  assert.deepEqual(usageOf(both), {
    opus: { requests: 1, ...usage },
    haiku: { requests: 1, ...usage },
  });
});
