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

/** Returns the message of an error, or the value. */
async function outcome(run: () => unknown): Promise<unknown> {
  try {
    return await run();
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

/** Uses of a web stream in which a pipe fails or stops early. */
const PIPES: Record<string, (stream: ReadableStream<Any>) => Promise<unknown[]>> = {
  "to a locked stream": async (stream) => {
    const target = new WritableStream();
    target.getWriter();
    return [await outcome(() => stream.pipeTo(target)), stream.locked];
  },
  "to something else": async (stream) => [
    await outcome(() => stream.pipeTo({} as WritableStream)),
    stream.locked,
  ],
  "with an invalid option": async (stream) => [
    (await outcome(() => stream.pipeTo(new WritableStream(), { signal: 1 as Any })) as string)
      .split(":")[0],
    stream.locked,
  ],
  "of a locked stream": async (stream) => {
    const reader = stream.getReader();
    const piped = stream.pipeTo(new WritableStream());
    return [await outcome(() => piped), (await reader.read()).value, stream.locked];
  },
  "through a locked stream": async (stream) => {
    const { readable, writable } = new TransformStream();
    writable.getWriter();
    const result = await outcome(() => stream.pipeThrough({ readable, writable }));
    return [typeof result, stream.locked];
  },
  "through something else": async (stream) => [
    (await outcome(() => stream.pipeThrough({} as Any)) as string).split(":")[0],
    stream.locked,
  ],
  "of a locked stream through another": async (stream) => {
    stream.getReader();
    return [
      (await outcome(() => stream.pipeThrough(new TransformStream())) as string).split(":")[0],
    ];
  },
  "to the end": async (stream) => [
    await outcome(() => stream.pipeTo(new WritableStream())),
    stream.locked,
  ],
  "without canceling it": async (stream) => {
    const failing = new WritableStream({ write: () => Promise.reject(new Error("full")) });
    const piped = await outcome(() => stream.pipeTo(failing, { preventCancel: true }));
    const { done } = await stream.getReader().read();
    return [piped, done, stream.locked];
  },
  "aborted without canceling it": async (stream) => {
    const options = { preventCancel: true, signal: AbortSignal.abort(new Error("stop")) };
    const piped = await outcome(() => stream.pipeTo(new WritableStream(), options));
    return [piped, stream.locked, (await stream.getReader().read()).value];
  },
  "aborted": async (stream) => {
    const options = { signal: AbortSignal.abort(new Error("stop")) };
    const piped = await outcome(() => stream.pipeTo(new WritableStream(), options));
    return [piped, stream.locked, (await stream.getReader().read()).done];
  },
};

for (const [how, use] of Object.entries(PIPES)) {
  test(`stream: a pipe ${how} behaves as without tracing`, async () => {
    using _fixture = await clientFixture();
    const wanted = await use(webStream("a", "b", "c"));
    assert.deepEqual(await use(pass(webStream("a", "b", "c"))), wanted);
  });
}

test("stream: a web stream that fails is unlocked after the pipe, as without tracing", async () => {
  using _fixture = await clientFixture();
  const failing = () =>
    new ReadableStream({ pull: (controller) => controller.error(new Error("broken")) });
  for (const stream of [failing(), pass(failing())]) {
    assert.equal(await outcome(() => stream.pipeTo(new WritableStream())), "Error: broken");
    assert.equal(stream.locked, false);
  }
});

test("stream: a web stream that is read on after an aborted pipe is recorded to its end", async () => {
  using fixture = await clientFixture();
  const abort = new AbortController();
  let reads = 0;
  const source = new ReadableStream<string>({
    pull(controller) {
      reads++;
      // The pipe is waiting for this chunk.
      if (reads === 2) return abort.abort(new Error("stop"));
      controller.enqueue(`${reads}`);
      if (reads === 3) controller.close();
    },
  }, { highWaterMark: 0 });
  const stream = pass(source);
  const options = { preventCancel: true, signal: abort.signal };
  const piped = outcome(() => stream.pipeTo(new WritableStream(), options));
  assert.equal(await piped, "Error: stop");
  const reader = stream.getReader();
  while (!(await reader.read()).done);
  const [call] = fixture.pipeline.callsOf("pass");
  assert.deepEqual([call.output, call.exception], [["1", "3"], undefined]);
});

test("stream: canceling a web stream that is being read is refused, and tracing continues", async () => {
  using fixture = await clientFixture();
  const stream = pass(webStream("a", "b"));
  const reader = stream.getReader();
  await assert.rejects(stream.cancel(), TypeError);
  while (!(await reader.read()).done);
  assert.deepEqual(fixture.pipeline.callsOf("pass")[0].output, ["a", "b"]);
});
