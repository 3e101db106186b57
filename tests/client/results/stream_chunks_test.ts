import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import OpenAI from "openai";
import { MAX_CHUNKS } from "../../../src/client/results/stream_output.ts";
import { op } from "../../../src/client/op/op.ts";
import { type Any, clientFixture } from "../../support/client/client_fixture.ts";
import { collect, pass, webStream } from "../../support/client/streams.ts";
import { test } from "../../harness.ts";

async function* words(...list: string[]): AsyncGenerator<string, void> {
  for (const word of list) {
    await Promise.resolve();
    yield word;
  }
}

test("stream: without a reducer the chunks are recorded as a list, of every kind of stream", async () => {
  using fixture = await clientFixture();
  class Reply {
    #secret = "kept";
    [Symbol.asyncIterator]() {
      return words("a", "b");
    }
    get secret() {
      return this.#secret;
    }
  }
  const sources: (() => AsyncIterable<unknown>)[] = [
    () => words("a", "b"),
    () => new Reply(),
    () => webStream("a", "b") as unknown as AsyncIterable<unknown>,
    () => Readable.from(["a", "b"]),
    () => ({ [Symbol.asyncIterator]: () => words("a", "b") }),
  ];
  for (const source of sources) {
    const stream = source();
    const names = Object.getOwnPropertyNames(stream);
    assert.equal(pass(stream), stream);
    assert.deepEqual(await collect(stream), ["a", "b"]);
    if (stream instanceof Reply) assert.equal(stream.secret, "kept");
    if (!(stream instanceof Readable)) {
      assert.deepEqual(Object.getOwnPropertyNames(stream), names, "it is as it was");
    }
    assert.equal(pass((() => stream)() as Any), stream);
  }
  const outputs = fixture.pipeline.callsOf("pass").map(({ output }) => output);
  assert.deepEqual(outputs.filter(Array.isArray), sources.map(() => ["a", "b"]));
});

test("stream: a generator is recorded with its chunks, or with what it returns", async () => {
  using fixture = await clientFixture();
  const silent = op(function* silent() {
    yield 1;
    yield { two: 2 };
  });
  const answer = op(function* answer() {
    yield "thinking";
    return "answer";
  });
  assert.deepEqual([...silent()], [1, { two: 2 }]);
  assert.deepEqual([...answer()], ["thinking"]);
  assert.deepEqual([...pass(new Map([["k", 1]]).entries())], [["k", 1]]);
  for (const _ of silent()) break;
  assert.deepEqual(fixture.pipeline.callsOf("silent").map(({ output }) => output), [
    [1, { two: 2 }],
    [1],
  ]);
  assert.equal(fixture.pipeline.callsOf("answer")[0].output, "answer");
  assert.deepEqual(fixture.pipeline.callsOf("pass")[0].output, [["k", 1]]);
});

test("stream: chunks are recorded as they were when the program got them", async () => {
  using fixture = await clientFixture();
  const chunk = { n: 0 };
  const counter = op(function* counter() {
    for (chunk.n = 1; chunk.n < 4; chunk.n++) yield chunk;
  }, { summarize: (chunks) => ({ chunks: chunks.length }) });
  for (const one of counter()) one.n += 0;
  const [call] = fixture.pipeline.callsOf("counter");
  assert.deepEqual(call.output, [{ n: 1 }, { n: 2 }, { n: 3 }]);
  assert.equal(call.summary.chunks, 3);
});

test("stream: a list of chunks has a limit, and the rest is counted", async () => {
  using fixture = await clientFixture();
  const many = op(function* many(count: number, text: string) {
    for (let i = 0; i < count; i++) yield text;
  }, { summarize: (chunks) => ({ last: chunks.at(-1)?.length, kept: chunks.length }) });
  for (const _ of many(MAX_CHUNKS + 5, "x"));
  for (const _ of many(20, "y".repeat(1024 * 1024)));
  const [count, size] = fixture.pipeline.callsOf("many");
  assert.equal(count.output.length, MAX_CHUNKS + 1);
  assert.equal(count.output.at(-1), "[5 more chunks]");
  assert.deepEqual([count.summary.kept, count.summary.last], [MAX_CHUNKS, 1]);
  const file = fixture.pipeline.of("file_create").at(-1)!;
  assert.equal(file.name, size.output.file);
  assert.ok(file.content.length < 8.1 * 1024 * 1024);
  const chunks = JSON.parse(file.content);
  assert.equal(chunks.filter((chunk: Any) => typeof chunk === "string").length, 7);
  assert.equal(chunks.at(-1).omitted, "over the size limit");
});

test("stream: an error ends the call with the chunks received so far", async () => {
  using fixture = await clientFixture();
  const broken = op(async function* broken() {
    yield* words("a");
    throw new Error("cut off");
  });
  await assert.rejects(collect(broken()), /cut off/);
  const web = pass(
    new ReadableStream({
      pull: (controller) => controller.error(new Error("web")),
    }),
  );
  await assert.rejects(web.getReader().read(), /web/);
  const node = pass(
    new Readable({
      read() {
        this.push("a");
        this.destroy(new Error("node"));
      },
    }),
  );
  await assert.rejects(collect(node), /node/);
  const [call] = fixture.pipeline.callsOf("broken");
  assert.deepEqual(call.output, ["a"]);
  assert.match(call.exception, /cut off/);
  const messages = fixture.pipeline.callsOf("pass").map(({ exception }) =>
    JSON.parse(exception).message
  );
  assert.deepEqual(messages, ["web", "node"]);
});

test("stream: a stream returned through nested calls is recorded for both", async () => {
  using fixture = await clientFixture();
  const inner = op(words, { name: "inner" });
  const outer = op(() => inner("a", "b"), { name: "outer" });
  const later = op(async () => await Promise.resolve(outer()), { name: "later" });
  assert.deepEqual(await collect(await later()), ["a", "b"]);
  for (const name of ["inner", "outer", "later"]) {
    assert.deepEqual(fixture.pipeline.callsOf(name)[0].output, ["a", "b"], name);
  }
  assert.equal(
    fixture.pipeline.callsOf("inner")[0].parent_id,
    fixture.pipeline.callsOf("outer")[0].id,
  );
});

test("stream: a repeatedly iterated stream is followed only the first time", async () => {
  using fixture = await clientFixture();
  const iterator = words("a", "b", "c");
  const stream = pass({ [Symbol.asyncIterator]: () => iterator });
  for await (const chunk of { [Symbol.asyncIterator]: () => keepOpen(stream) }) {
    if (chunk === "b") break;
  }
  assert.deepEqual(await collect(stream), ["c"]);
  assert.deepEqual(fixture.pipeline.callsOf("pass")[0].output, ["a", "b", "c"]);
  function keepOpen(of: AsyncIterable<string>): AsyncIterator<string> {
    const inner = of[Symbol.asyncIterator]();
    return { next: () => inner.next() };
  }
});

test("stream: an unfinished stream at the end of the client ends its call with the chunks so far", async () => {
  using fixture = await clientFixture();
  const unread = pass(words("a"));
  const half = pass(words("a", "b"));
  await half.next();
  await fixture.client.finish();
  assert.deepEqual(fixture.pipeline.callsOf("pass").map(({ output }) => output), [
    "<AsyncGenerator>",
    ["a"],
  ]);
  assert.deepEqual([await collect(unread), await collect(half)], [["a"], ["b"]]);
  assert.equal(fixture.pipeline.of("call_end").length, 2);
});

/** Runs the garbage collector, as far as the host allows it. */
function collectGarbage(): void {
  const bun = (globalThis as { Bun?: { gc(force: boolean): void } }).Bun;
  if (bun) return bun.gc(true);
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
}

test("stream: dropping a stream ends its call", async () => {
  using fixture = await clientFixture();
  // A separate function, so that nothing on the stack references the streams.
  await (async () => {
    for (let i = 0; i < 100; i++) await pass(words("a", "b")).next();
  })();
  while (fixture.pipeline.of("call_end").length === 0) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const ended = fixture.pipeline.callsOf("pass").filter(({ ended_at }) => ended_at);
  for (const { output } of ended) assert.deepEqual(output, ["a"]);
});

test("stream: a stream of the OpenAI SDK is recorded with its chunks", async () => {
  using fixture = await clientFixture();
  const events = ["one", "two"].map((text) =>
    `data: ${JSON.stringify({ choices: [{ text }] })}\n\n`
  );
  const client = new OpenAI({
    apiKey: "none",
    fetch: () =>
      Promise.resolve(
        new Response([...events, "data: [DONE]\n\n"].join(""), {
          headers: { "content-type": "text/event-stream" },
        }),
      ),
  });
  const complete = op(client.completions, client.completions.create as Any, { name: "complete" });
  const stream = await (complete({ model: "m", prompt: "p", stream: true }) as Any);
  assert.equal(stream.constructor.name, "Stream");
  assert.equal((await collect(stream)).length, 2);
  const [call] = fixture.pipeline.callsOf("complete");
  assert.deepEqual(call.output, [{ choices: [{ text: "one" }] }, { choices: [{ text: "two" }] }]);
  assert.equal(fixture.pipeline.of("call_end").length, 1);
});
