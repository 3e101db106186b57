import assert from "node:assert/strict";
import OpenAI from "openai";
import { wrapOpenAI } from "../../../src/client/integrations/wrap_openai.ts";
import { op } from "../../../src/client/op/op.ts";
import { exceptionMessage } from "../../support/client/exception_message.ts";
import { type Any, clientFixture, type Fixture } from "../../support/client/client_fixture.ts";
import { fakeOpenAI, PNG } from "../../support/client/fake_openai.ts";
import { chatChunks, chatCompletion, response } from "../../support/client/llm_chunks.ts";
import { test } from "../../harness.ts";

const MODEL = "gpt-4o-mini-2024-07-18";
const params = { model: "gpt-4o-mini", messages: [{ role: "user" as const, content: "Hi" }] };

function clients(options: Record<string, unknown> = {}) {
  const server = fakeOpenAI();
  const plain = new OpenAI({ apiKey: "sk-1", fetch: server.fetch, maxRetries: 0, ...options });
  return { server, plain, openai: wrapOpenAI(plain) };
}

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const chunks: T[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

function only(fixture: Fixture, name: string): Any {
  const calls = fixture.pipeline.callsOf(name);
  assert.equal(calls.length, 1, `calls of ${name}`);
  return calls[0];
}

test("wrapOpenAI: the promise of a request is the SDK's own, with all its methods", async () => {
  using fixture = await clientFixture();
  const { openai, plain } = clients();
  const promise = openai.chat.completions.create(params);
  assert.equal(promise.constructor, plain.chat.completions.create(params).constructor);
  const { data, response: raw, request_id } = await promise.withResponse();
  assert.equal(data.choices[0].message.content, "Hello");
  assert.equal(raw.status, 200);
  assert.equal(request_id, null);
  assert.equal(await promise, data);
  const call = only(fixture, "openai.chat.completions.create");
  assert.deepEqual(call.output, chatCompletion("Hello"));
  assert.deepEqual(call.inputs, params);
  assert.equal(call.summary.usage[MODEL].total_tokens, 12);
  assert.equal((await openai.chat.completions.create(params).asResponse()).status, 200);
});

test("wrapOpenAI: a stream is the SDK's own: tee, controller, readable stream", async () => {
  using fixture = await clientFixture();
  const { openai } = clients();
  const create = () => openai.chat.completions.create({ ...params, stream: true });
  const [left, right] = (await create()).tee();
  assert.deepEqual(await all(left), chatChunks());
  assert.deepEqual(await all(right), chatChunks());
  const stream = await create();
  assert.ok(stream.controller instanceof AbortController);
  const text = await new Response(stream.toReadableStream()).text();
  assert.equal(text.trim().split("\n").length, chatChunks().length);
  const aborted = await create();
  for await (const chunk of aborted) {
    if (chunk.choices[0]?.delta.content) aborted.controller.abort();
  }
  const outputs = fixture.pipeline.callsOf("openai.chat.completions.create")
    .map(({ output }) => output.choices[0].message.content);
  assert.deepEqual(outputs, ["Hello there", "Hello there", "Hello there"]);
});

test("wrapOpenAI: an interrupted stream keeps the received chunks and its error", async () => {
  using fixture = await clientFixture();
  const { openai } = clients({ logLevel: "off" });
  const stream = await openai.chat.completions.create({ ...params, model: "breaks", stream: true });
  await assert.rejects(all(stream), SyntaxError);
  const call = only(fixture, "openai.chat.completions.create");
  assert.equal(call.output.choices[0].message.content, "Hello");
  assert.match(call.exception, /SyntaxError/);
});

test("wrapOpenAI: an API error reaches the program, and is recorded", async () => {
  using fixture = await clientFixture();
  const { openai } = clients();
  const promise = openai.chat.completions.create({ ...params, model: "none" });
  await assert.rejects(promise, OpenAI.NotFoundError);
  const { exception } = only(fixture, "openai.chat.completions.create");
  assert.equal(exceptionMessage(exception), "404 No such model");
});

test("wrapOpenAI: options of a request reach the SDK and are not recorded", async () => {
  using fixture = await clientFixture();
  const { openai, server } = clients();
  await openai.chat.completions.create(params, { headers: { "x-tag": "secret-tag" } });
  await openai.chat.completions.create({ ...params, stream: true }, {
    headers: { "x-tag": "secret-tag" },
  });
  for (const { headers } of server.requests) assert.equal(headers.get("x-tag"), "secret-tag");
  assert.ok(!JSON.stringify(fixture.pipeline.records).includes("secret-tag"));
  await openai.responses.create({ model: "gpt-4o", input: "Hi" });
  assert.ok(!JSON.stringify(fixture.pipeline.records).includes("sk-1"), "the API key");
});

test("wrapOpenAI: parsed completions and responses are one call each", async () => {
  using fixture = await clientFixture();
  const { openai } = clients();
  const response_format = {
    type: "json_schema" as const,
    json_schema: { name: "n", schema: { type: "object" } },
  };
  const parsed = await openai.chat.completions.parse({ ...params, response_format });
  assert.deepEqual(parsed.choices[0].message.parsed, { n: 1 });
  const call = only(fixture, "openai.chat.completions.parse");
  assert.deepEqual(call.output.choices[0].message.parsed, { n: 1 });
  assert.equal(call.summary.usage[MODEL].total_tokens, 12);
  const { output_parsed } = await openai.responses.parse({ model: "gpt-4o", input: "Hi" });
  assert.equal(output_parsed, null);
  assert.equal(only(fixture, "openai.responses.parse").output.id, response().id);
  assert.equal(fixture.pipeline.calls().length, 2);
});

test("wrapOpenAI: images are recorded as files, and remain text for the program", async () => {
  using fixture = await clientFixture();
  const { openai } = clients();
  const { data } = await openai.images.generate({ model: "dall-e-3", prompt: "a cat" });
  assert.equal(data![0].b64_json, btoa(String.fromCharCode(...PNG)));
  const call = only(fixture, "openai.images.generate");
  assert.deepEqual(call.output.data[0].weave_type, { type: "PIL.Image.Image" });
  assert.deepEqual(call.output.data[1], { url: "https://images/1.png" });
  assert.deepEqual(call.summary.usage, { "dall-e": { requests: 1, images_generated: 2 } });
  assert.deepEqual(call.inputs, { arg0: { model: "dall-e-3", prompt: "a cat" } });
});

test("wrapOpenAI: embeddings are recorded with their usage", async () => {
  using fixture = await clientFixture();
  const { openai } = clients();
  await openai.embeddings.create({
    model: "text-embedding-3-small",
    input: "Hi",
    encoding_format: "float",
  });
  const call = only(fixture, "openai.embeddings.create");
  assert.deepEqual(call.output.data[0].embedding, [0.5, 0.25]);
  assert.deepEqual(call.summary.usage["text-embedding-3-small"], {
    requests: 1,
    prompt_tokens: 4,
    total_tokens: 4,
  });
});

test("wrapOpenAI: the requests of helpers are recorded", async () => {
  using fixture = await clientFixture();
  const { openai, server } = clients();
  const stream = openai.chat.completions.stream(params);
  assert.equal((await stream.finalChatCompletion()).choices[0].message.content, "Hello there");
  assert.equal((server.requests[0].body.stream_options as Any).include_usage, true);
  const look = op(function look() {
    return "seen";
  });
  const runner = openai.chat.completions.runTools({
    ...params,
    tools: [{
      type: "function",
      function: { name: "look", description: "Looks", parameters: {}, function: look },
    }],
  });
  assert.equal(await runner.finalContent(), "Hello");
  const final = await openai.responses.stream({ model: "gpt-4o", input: "Hi" }).finalResponse();
  assert.equal(final.output_text, "Hi you");
  const names = fixture.pipeline.calls().map(({ op_name }) => /op\/(.*):/.exec(op_name)![1]);
  const chat = "openai.chat.completions.create";
  assert.deepEqual(names, [chat, chat, "look", chat, "create"]);
});

test("wrapOpenAI: the client is unchanged, and is wrapped once", async () => {
  using fixture = await clientFixture();
  const { openai, plain } = clients();
  await plain.chat.completions.create(params);
  assert.equal(fixture.pipeline.calls().length, 0);
  assert.equal(wrapOpenAI(openai), openai);
  assert.ok(openai instanceof OpenAI);
  assert.equal(openai.chat.completions, openai.chat.completions);
  assert.equal(openai.chat.completions.create, openai.chat.completions.create);
  assert.equal(openai.apiKey, "sk-1");
  const other = openai.withOptions({ apiKey: "sk-2" });
  assert.equal(other.apiKey, "sk-2");
  await other.chat.completions.create(params);
  assert.equal(fixture.pipeline.calls().length, 1);
  openai.apiKey = "sk-3";
  assert.equal(plain.apiKey, "sk-3");
  const { create } = openai.chat.completions;
  assert.equal((await create(params)).id, "chatcmpl-1");
});

test("wrapOpenAI: methods of the client run on the client, with its private fields", () => {
  class Client {
    #key = "k";
    chat = { completions: { create: () => Promise.resolve({}) } };
    key(): string {
      return this.#key;
    }
    get upper(): string {
      return this.#key.toUpperCase();
    }
  }
  const client = wrapOpenAI(new Client());
  assert.equal(client.key(), "k");
  assert.equal(client.key, client.key);
  assert.equal(client.upper, "K");
  assert.ok(client instanceof Client);
});

test("wrapOpenAI: a client without some resources, or frozen, works", async () => {
  using fixture = await clientFixture();
  const create = (request: { model: string }) => Promise.resolve({ id: request.model });
  const small = wrapOpenAI({ chat: { completions: { create } } });
  assert.deepEqual(await small.chat.completions.create({ model: "m" }), { id: "m" });
  assert.equal(fixture.pipeline.calls().length, 1);
  const frozen = wrapOpenAI(
    Object.freeze({ chat: Object.freeze({ completions: Object.freeze({ create }) }) }),
  );
  assert.deepEqual(await frozen.chat.completions.create({ model: "m" }), { id: "m" });
});

test("wrapOpenAI: without a client of Weave, it is a plain client", async () => {
  const { openai } = clients();
  const stream = await openai.chat.completions.create({ ...params, stream: true });
  assert.deepEqual(await all(stream), chatChunks());
  assert.equal((await openai.chat.completions.create(params)).id, "chatcmpl-1");
});
