import assert from "node:assert/strict";
import { PassThrough, Readable, Writable } from "node:stream";
import { type Any, clientFixture } from "../../support/client/client_fixture.ts";
import { collect, pass, webStream } from "../../support/client/streams.ts";
import { test } from "../../harness.ts";

test("stream: a web stream is followed in every way of reading it, and keeps its identity", async () => {
  using fixture = await clientFixture();
  const ways: ((stream: ReadableStream<Any>) => Promise<unknown>)[] = [
    (stream) => collect(stream as unknown as AsyncIterable<string>),
    async (stream) => {
      const reader = stream.getReader();
      while (!(await reader.read()).done);
    },
    (stream) => stream.pipeTo(new WritableStream()),
    (stream) => new Response(stream.pipeThrough(new TextEncoderStream())).text(),
    async (stream) => {
      const [left, right] = stream.tee();
      await Promise.all([left, right].map((one) => new Response(encoded(one)).text()));
    },
    async (stream) => {
      const reader = stream.getReader();
      await reader.read();
      await reader.read();
      await reader.cancel();
    },
  ];
  const encoded = (stream: ReadableStream<Any>) => stream.pipeThrough(new TextEncoderStream());
  for (const way of ways) {
    const stream = webStream("a", "b");
    assert.equal(pass(stream), stream);
    assert.equal(stream.locked, false);
    await way(stream);
  }
  const calls = fixture.pipeline.callsOf("pass");
  assert.deepEqual(calls.map(({ output }) => output), ways.map(() => ["a", "b"]));
});

test("stream: a Node stream is followed when it is piped, listened to or destroyed", async () => {
  using fixture = await clientFixture();
  const sink = () => new Writable({ write: (_chunk, _encoding, done) => done() });
  const piped = pass(Readable.from(["a", "b"]));
  await new Promise((resolve) => piped.pipe(sink()).on("finish", resolve));
  const heard = pass(Readable.from(["a", "b"]));
  heard.on("data", () => {});
  await new Promise((resolve) => heard.on("end", resolve));
  const through = pass(new PassThrough({ objectMode: true }));
  through.end("a");
  assert.deepEqual(await collect(through), ["a"]);
  const unread = pass(Readable.from(["a"]));
  await new Promise((resolve) => unread.on("close", resolve).destroy());
  const outputs = fixture.pipeline.callsOf("pass").map(({ output }) => output);
  assert.deepEqual(outputs, [["a", "b"], ["a", "b"], ["a"], []]);
  class Socket extends Writable {
    _readableState = {};
  }
  pass(new Socket());
  assert.equal(fixture.pipeline.callsOf("pass").at(-1).output, "<Socket>", "what is written to");
});

test("stream: the program's own iterators are advanced only as far as the program advances them", async () => {
  using fixture = await clientFixture();
  const never = (): never => {
    throw new Error("Code of the program was run");
  };
  let reads = 0;
  const stream = pass({
    [Symbol.asyncIterator]: () => ({
      next: () => ({
        done: reads > 1,
        get value() {
          return `chunk ${reads++}`;
        },
        get then() {
          return undefined;
        },
        get unread() {
          return never();
        },
      }),
    }),
  });
  assert.deepEqual(await collect(stream as unknown as AsyncIterable<string>), [
    "chunk 0",
    "chunk 1",
  ]);
  assert.equal(reads, 2);
  const [call] = fixture.pipeline.callsOf("pass");
  assert.deepEqual(call.output, ["<getter>", "<getter>"]);
});
