import assert from "node:assert/strict";
import { op } from "../../../src/client/op/op.ts";
import { clientFixture } from "../../support/client/client_fixture.ts";
import {
  anthropicMessage,
  CHAT_USAGE,
  chatCompletion,
  GeminiResponse,
  GenerateTextResult,
  response,
  RESPONSE_USAGE,
} from "../../support/client/llm_chunks.ts";
import { test } from "../../harness.ts";

const echo = op(async function echo<T>(value: T): Promise<T> {
  return await Promise.resolve(value);
});

async function usageFor(value: unknown): Promise<unknown> {
  using fixture = await clientFixture();
  assert.equal(await echo(value), value);
  return fixture.pipeline.callsOf("echo")[0].summary.usage;
}

test("usage: responses of known providers add usage by model to their call", async () => {
  assert.deepEqual(await usageFor(chatCompletion()), {
    "gpt-4o-mini-2024-07-18": { requests: 1, ...CHAT_USAGE },
  });
  assert.deepEqual(await usageFor(response()), {
    "gpt-4o-2024-08-06": { requests: 1, ...RESPONSE_USAGE },
  });
  assert.deepEqual(await usageFor(anthropicMessage()), {
    "claude-sonnet-4-20250514": {
      requests: 1,
      input_tokens: 20,
      cache_read_input_tokens: 7,
      output_tokens: 30,
    },
  });
  const embeddings = {
    object: "list",
    data: [{ embedding: [0.5], index: 0, object: "embedding" }],
    model: "text-embedding-3-small",
    usage: { prompt_tokens: 8, total_tokens: 8 },
  };
  assert.deepEqual(await usageFor(embeddings), {
    "text-embedding-3-small": { requests: 1, prompt_tokens: 8, total_tokens: 8 },
  });
});

test("usage: Gemini's thinking tokens count as output", async () => {
  const usage = {
    "gemini-2.5-flash": {
      requests: 1,
      prompt_tokens: 8,
      completion_tokens: 16,
      total_tokens: 24,
      thoughts_tokens: 10,
    },
  };
  assert.deepEqual(await usageFor(new GeminiResponse()), usage);
  assert.deepEqual(await usageFor({ response: new GeminiResponse() }), usage);
});

test("usage: the steps of the Vercel AI SDK count as separate requests", async () => {
  assert.deepEqual(await usageFor(new GenerateTextResult()), {
    "gpt-5-mini": { requests: 2, input_tokens: 200, output_tokens: 12, total_tokens: 212 },
  });
  const [step] = new GenerateTextResult().steps;
  assert.deepEqual(await usageFor(step), {
    "gpt-5-mini": { requests: 1, input_tokens: 100, output_tokens: 5, total_tokens: 105 },
  });
  const model = {
    usage: { inputTokens: { total: 3, cacheRead: 1 }, outputTokens: { total: 4 } },
    response: { modelId: "m" },
  };
  assert.deepEqual(await usageFor(model), {
    m: { requests: 1, input_tokens: 3, output_tokens: 4, total_tokens: 7 },
  });
});

test("usage: any value with a model and token counts has usage, as in the Python SDK", async () => {
  const usage = { prompt_tokens: 3, completion_tokens: 1, cost: 0.5 };
  assert.deepEqual(await usageFor({ model: "m", answer: "Hello", usage }), {
    m: { requests: 1, ...usage },
  });
});

test("usage: other values have no usage", async () => {
  const getter = Object.defineProperty({ object: "chat.completion", model: "m" }, "usage", {
    enumerable: true,
    get: () => assert.fail("Tracing runs no getter"),
  });
  const proxied = new Proxy(chatCompletion(), {
    get: (target, key) => key === "then" ? undefined : Reflect.get(target, key),
    has: () => assert.fail("Tracing runs no trap"),
    getOwnPropertyDescriptor: () => assert.fail("Tracing runs no trap"),
  });
  const others = [
    { usage: "low", model: "m" },
    { usage: { words: 3, prompt_tokens: "3" }, model: "m" },
    { usage: { prompt_tokens: 3 }, model: 7 },
    { ...chatCompletion(), usage: null },
    { ...chatCompletion(), model: 7 },
    {
      ...chatCompletion(),
      usage: {
        get prompt_tokens() {
          return assert.fail("getter");
        },
      },
    },
    { steps: [1, null, {}], usageMetadata: 3 },
    { response: null },
    getter,
    proxied,
    [chatCompletion()],
    "usage",
  ];
  for (const other of others) assert.equal(await usageFor(other), undefined);
});

test("usage: it is added to the parents, and one request counts once", async () => {
  using fixture = await clientFixture();
  const ask = op(async function ask() {
    return await Promise.resolve(chatCompletion());
  });
  const agent = op(async function agent() {
    await ask();
    return { ...await ask(), answer: 1 };
  });
  const root = op(async function root() {
    return await agent();
  });
  await root();
  const requests = (name: string) =>
    fixture.pipeline.callsOf(name).map(({ summary }) =>
      summary.usage["gpt-4o-mini-2024-07-18"].requests
    );
  assert.deepEqual(requests("ask"), [1, 1]);
  assert.deepEqual(requests("agent"), [2]);
  assert.deepEqual(requests("root"), [2]);
});

test("usage: a summary's own usage replaces the response's", async () => {
  using fixture = await clientFixture();
  const own = op(() => chatCompletion(), {
    name: "own",
    summarize: () => ({ usage: { mine: { prompt_tokens: 1 } } }),
  });
  const noted = op(() => chatCompletion(), { name: "noted", summarize: () => ({ note: 1 }) });
  const parent = op(function parent() {
    return own();
  });
  parent();
  noted();
  const usage = { mine: { requests: 1, prompt_tokens: 1 } };
  assert.deepEqual(fixture.pipeline.callsOf("own")[0].summary.usage, usage);
  assert.deepEqual(fixture.pipeline.callsOf("parent")[0].summary.usage, usage);
  const [{ summary }] = fixture.pipeline.callsOf("noted");
  assert.equal(summary.note, 1);
  assert.deepEqual(Object.keys(summary.usage), ["gpt-4o-mini-2024-07-18"]);
});
