import assert from "node:assert/strict";
import { op } from "../../../src/client/op/op.ts";
import { clientFixture } from "../../support/client/client_fixture.ts";
import { test } from "../../harness.ts";
import { exceptionMessage } from "../../support/client/exception_message.ts";

const joined = {
  initialStateFn: () => ({ text: "", closed: false }),
  reduceFn: (state: { text: string; closed: boolean }, chunk: string) => ({
    ...state,
    text: state.text + chunk,
  }),
  finalizeFn: (state: { text: string; closed: boolean }) => {
    state.closed = true;
  },
};

const leaf = op(function leaf(what: string) {
  return what;
});

async function* words(...list: string[]): AsyncGenerator<string> {
  for (const word of list) {
    await Promise.resolve();
    yield word;
  }
}

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const chunk of stream) all.push(chunk);
  return all;
}

test("stream: an async generator is reduced to one output, recorded when it ends", async () => {
  using fixture = await clientFixture();
  const stream = op(words, {
    name: "stream",
    streamReducer: joined,
    summarize: (state) => ({ length: (state as unknown as { text: string }).text.length }),
  });
  const chunks = stream("a", "b", "c");
  assert.equal(fixture.pipeline.of("call_end").length, 0);
  assert.deepEqual(await collect(chunks), ["a", "b", "c"]);
  const [call] = fixture.pipeline.callsOf("stream");
  assert.deepEqual(call.output, { text: "abc", closed: true });
  assert.equal(call.summary.length, 3);
  assert.equal(fixture.pipeline.of("call_end").length, 1);
});

test("stream: a reader that stops early ends the call with the chunks read so far", async () => {
  using fixture = await clientFixture();
  const stream = op(words, { name: "stream", streamReducer: joined });
  for await (const chunk of stream("a", "b", "c")) if (chunk === "b") break;
  const [call] = fixture.pipeline.callsOf("stream");
  assert.deepEqual(call.output, { text: "ab", closed: true });
  assert.equal("exception" in call, false);
});

test("stream: an error in the stream reaches the reader and the record, with the chunks so far", async () => {
  using fixture = await clientFixture();
  const error = new Error("cut off");
  const stream = op(async function* broken() {
    yield* words("a");
    throw error;
  }, { streamReducer: joined });
  await assert.rejects(collect(stream()), (thrown) => thrown === error);
  const [call] = fixture.pipeline.callsOf("broken");
  assert.deepEqual(call.output, { text: "a", closed: true });
  assert.equal(exceptionMessage(call.exception), "cut off");
});

test("stream: calls inside a generator are its children, for any reader", async () => {
  using fixture = await clientFixture();
  const inner = op(async function* inner() {
    leaf("first");
    yield 1;
    await Promise.resolve();
    leaf("second");
    yield 2;
  });
  const reader = op(async function reader() {
    const all: number[] = [];
    for await (const n of inner()) {
      leaf("between");
      all.push(n);
    }
    return all;
  });
  assert.deepEqual(await reader(), [1, 2]);
  const [{ id: readerId }] = fixture.pipeline.callsOf("reader");
  const [{ id: innerId, parent_id }] = fixture.pipeline.callsOf("inner");
  assert.equal(parent_id, readerId);
  const parents = fixture.pipeline.callsOf("leaf").map((call) => [call.output, call.parent_id]);
  assert.deepEqual(parents, [
    ["first", innerId],
    ["between", readerId],
    ["second", innerId],
    ["between", readerId],
  ]);
});

test("stream: a synchronous generator works as before and is recorded with what it returns", async () => {
  using fixture = await clientFixture();
  const count = op(function* count(n: number): Generator<number, string, number | undefined> {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += (yield (leaf(`${i}`), i)) ?? 0;
    return `sum ${sum}`;
  });
  const generator = count(2);
  assert.equal(generator[Symbol.iterator](), generator);
  assert.deepEqual(generator.next(), { done: false, value: 0 });
  assert.deepEqual(generator.next(5), { done: false, value: 1 });
  assert.deepEqual(generator.next(6), { done: true, value: "sum 11" });
  const [call] = fixture.pipeline.callsOf("count");
  assert.equal(call.output, "sum 11");
  for (const { parent_id } of fixture.pipeline.callsOf("leaf")) assert.equal(parent_id, call.id);
  assert.deepEqual([...count(2)], [0, 1]);
  const thrown = count(2);
  thrown.next();
  assert.throws(() => thrown.throw(new Error("from outside")), /from outside/);
  const { exception } = fixture.pipeline.callsOf("count")[2];
  assert.equal(exceptionMessage(exception), "from outside");
  const reduced = op(function* characters() {
    yield* ["x", "y"];
  }, { streamReducer: joined });
  assert.deepEqual([...reduced()], ["x", "y"]);
  assert.equal(fixture.pipeline.callsOf("characters")[0].output.text, "xy");
});

test("stream: an iterable object keeps its identity, including private fields", async () => {
  using fixture = await clientFixture();
  class Reply {
    #id = "r-1";
    get id(): string {
      return this.#id;
    }
    [Symbol.asyncIterator](): AsyncIterator<string> {
      return words("a", "b");
    }
  }
  const original = new Reply();
  const ask = op(async function ask() {
    await Promise.resolve();
    return original;
  }, { streamReducer: joined });
  const reply = await ask();
  assert.equal(reply, original);
  assert.equal(reply.id, "r-1");
  assert.deepEqual(await collect(reply), ["a", "b"]);
  assert.equal(fixture.pipeline.callsOf("ask")[0].output.text, "ab");
});

test("stream: a frozen iterable object is still followed", async () => {
  using fixture = await clientFixture();
  const frozen = Object.freeze({ id: 7, [Symbol.asyncIterator]: () => words("a") });
  const ask = op(() => Object.create(frozen) as typeof frozen, {
    name: "ask",
    streamReducer: joined,
  });
  const reply = ask();
  assert.equal(reply.id, 7);
  assert.deepEqual(await collect(reply), ["a"]);
  assert.equal(fixture.pipeline.callsOf("ask")[0].output.text, "a");
});

test("stream: a web stream is reduced however it is read, and cancellation reaches the source", async () => {
  using fixture = await clientFixture();
  let cancelled: unknown;
  const make = () =>
    new ReadableStream<string>({
      start(controller) {
        for (const chunk of ["a", "b"]) controller.enqueue(chunk);
        controller.close();
      },
    });
  const endless = () =>
    new ReadableStream<string>({
      pull: (controller) => controller.enqueue("x"),
      cancel: (reason) => {
        cancelled = reason;
      },
    });
  const stream = op((source: () => ReadableStream<string>) => source(), {
    name: "stream",
    streamReducer: joined,
  });
  const bytes = stream(make).pipeThrough(new TextEncoderStream());
  assert.equal(await new Response(bytes).text(), "ab");
  const reader = stream(endless).getReader();
  assert.equal((await reader.read()).value, "x");
  await reader.cancel("enough");
  assert.equal(cancelled, "enough");
  const outputs = fixture.pipeline.callsOf("stream").map(({ output }) => output.text);
  assert.deepEqual(outputs, ["ab", "x"]);
});

test("stream: a locked web stream is returned unchanged", async () => {
  using fixture = await clientFixture();
  const locked = new ReadableStream<string>();
  const reader = locked.getReader();
  const stream = op(() => locked, { name: "stream", streamReducer: joined });
  assert.equal(stream(), locked);
  assert.equal(fixture.pipeline.of("call_end").length, 1);
  await reader.cancel();
});

test("stream: a reducer that throws does not reach the reader", async () => {
  using fixture = await clientFixture();
  const stream = op(words, {
    name: "stream",
    streamReducer: {
      initialStateFn: () => 0,
      reduceFn: (state: number, chunk: string) => {
        if (chunk === "b") throw new Error("cannot add");
        return state + 1;
      },
      finalizeFn: () => {},
    },
  });
  assert.deepEqual(await collect(stream("a", "b", "c")), ["a", "b", "c"]);
  assert.equal(fixture.pipeline.callsOf("stream")[0].output, 1);
  assert.match(fixture.warned.join(), /Cannot reduce a stream: cannot add/);
});

test("stream: with two readers, it is reduced and its call ends once", async () => {
  using fixture = await clientFixture();
  const ask = op(() => ({ [Symbol.asyncIterator]: () => words("a", "b") }), {
    name: "ask",
    streamReducer: joined,
  });
  const reply = ask();
  await collect(reply);
  await collect(reply);
  assert.equal(fixture.pipeline.of("call_end").length, 1);
  assert.equal(fixture.pipeline.callsOf("ask")[0].output.text, "ab");
});

test("stream: without a client the function's own generator is returned", () => {
  const generator = op(function* count() {
    yield 1;
  })();
  assert.equal(Object.hasOwn(generator, "next"), false);
});
