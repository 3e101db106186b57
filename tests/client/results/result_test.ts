import assert from "node:assert/strict";
import OpenAI, { APIPromise } from "openai";
import { op } from "../../../src/client/op/op.ts";
import { type Any, clientFixture } from "../../support/client/client_fixture.ts";
import { test } from "../../harness.ts";

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

/** Fails the test if it is called. */
function never(): never {
  throw new Error("Code of the program was run");
}

/** A query that runs when it is awaited, like those of query builders. */
class Query {
  runs = 0;
  #rows: unknown[];
  constructor(...rows: unknown[]) {
    this.#rows = rows;
  }
  where(): this {
    return this;
  }
  then(onValue?: Any, onError?: Any): Promise<unknown> {
    this.runs++;
    return Promise.resolve(this.#rows).then(onValue, onError);
  }
}

test("result: the function's own promise is returned, and its value is recorded first", async () => {
  using fixture = await clientFixture();
  const promise = Promise.resolve({ n: 1 });
  const failing = Promise.reject(new Error("no"));
  assert.equal(op(() => promise, { name: "ok" })(), promise);
  assert.equal(op(() => failing, { name: "fail" })(), failing);
  const seen: number[] = [];
  const later = op(() => new Promise((resolve) => setTimeout(resolve, 1, 2)), { name: "later" })();
  await later.then(() => seen.push(fixture.pipeline.of("call_end").length));
  await assert.rejects(failing, /no/);
  assert.deepEqual(seen, [3], "the end is in the log before the program goes on");
  assert.deepEqual(fixture.pipeline.callsOf("ok")[0].output, { n: 1 });
  assert.match(fixture.pipeline.callsOf("fail")[0].exception, /"no"/);
  assert.equal(fixture.pipeline.callsOf("later")[0].output, 2);
});

test("result: a promise of a subclass is kept, and its class creates no other", async () => {
  using fixture = await clientFixture();
  let made = 0;
  class Job<T> extends Promise<T> {
    constructor(run: ConstructorParameters<typeof Promise<T>>[0]) {
      super(run);
      made++;
    }
    static override get [Symbol.species](): PromiseConstructor {
      return never();
    }
    cancel(): string {
      return "cancelled";
    }
  }
  const job = new Job<number>((resolve) => resolve(3));
  const same = op(() => job, { name: "job" })();
  assert.equal(same, job);
  assert.equal(same.constructor, Job);
  assert.deepEqual(Object.getOwnPropertyNames(job), []);
  assert.equal(same.cancel(), "cancelled");
  await turn();
  assert.equal(made, 1);
  assert.equal(fixture.pipeline.callsOf("job")[0].output, 3);
  const frozen = Object.freeze(new Job<number>((resolve) => resolve(4)));
  assert.equal(op(() => frozen, { name: "frozen" })(), frozen);
  assert.equal(fixture.pipeline.callsOf("frozen")[0].output, "<Job>");
});

test("result: a promise shared by callers is recorded for each, and handled once is enough", async () => {
  using fixture = await clientFixture();
  const shared = Promise.reject(new Error("cached"));
  const load = op(() => shared, { name: "load" });
  assert.equal(load(), load());
  await assert.rejects(shared, /cached/);
  await turn();
  assert.equal(fixture.pipeline.callsOf("load").length, 2);
  for (const { exception } of fixture.pipeline.callsOf("load")) assert.match(exception, /cached/);
});

test("result: a seemingly asynchronous function returns the promise that it stores", async () => {
  using fixture = await clientFixture();
  const load = async () => await Promise.resolve({ n: 1 });
  const cached = load();
  const memoized = Object.setPrototypeOf(() => cached, Object.getPrototypeOf(load));
  const traced = op(memoized as typeof load, { name: "memoized" });
  assert.equal(traced(), cached);
  assert.equal(traced(), cached);
  const store = {
    cached,
    get(): Promise<unknown> {
      return this.cached;
    },
  };
  assert.equal(op(store, store.get, { name: "get" })(), cached);
  await cached;
  for (const name of ["memoized", "get"]) {
    assert.deepEqual(fixture.pipeline.callsOf(name)[0].output, { n: 1 });
  }
});

test("result: a thenable is not run by tracing, and recorded when the program awaits it", async () => {
  using fixture = await clientFixture();
  const find = op((...rows: unknown[]) => new Query(...rows), { name: "find" });
  const query = find("a");
  await turn();
  assert.equal(query.runs, 0);
  assert.ok(query instanceof Query);
  assert.deepEqual(Object.keys(query), ["runs"]);
  assert.equal(fixture.pipeline.of("call_end").length, 0);
  assert.equal(query.where(), query);
  assert.deepEqual(await (query as Any), ["a"]);
  assert.equal(query.runs, 1);
  assert.deepEqual(fixture.pipeline.callsOf("find")[0].output, ["a"]);
  assert.equal(Object.hasOwn(query, "then"), false, "it is as it was");
  assert.deepEqual(await (query as Any), ["a"]);
  assert.equal(fixture.pipeline.of("call_end").length, 1);
});

test("result: a thenable that fails, throws or has a getter does so as without tracing", async () => {
  using fixture = await clientFixture();
  const broken = {
    then() {
      throw new Error("then throws");
    },
  };
  const trace = op((value: Any) => ({ value }).value, { name: "trace" });
  assert.equal(trace(broken), broken);
  await assert.rejects(async () => await (broken as Any), /then throws/);
  const rejecting = { then: (_: Any, onError: Any) => onError(new Error("refused")) };
  assert.equal(trace(rejecting), rejecting);
  await assert.rejects(async () => await (rejecting as Any), /refused/);
  const hidden = Object.defineProperty({ answer: 42 }, "then", { get: never });
  assert.equal(trace(hidden), hidden);
  const frozen = Object.freeze({ then: never });
  assert.equal(trace(frozen), frozen);
  const trapped = new Proxy({}, { get: never, getPrototypeOf: never, has: never });
  assert.equal(trace(trapped), trapped);
  const outputs = fixture.pipeline.callsOf("trace").map(({ output, exception }) =>
    exception === undefined ? output : JSON.parse(exception).message
  );
  assert.deepEqual(outputs, [undefined, "refused", { answer: 42 }, "<thenable>", "<Proxy>"]);
});

test("result: a thenable that is never awaited ends its call when the client finishes", async () => {
  using fixture = await clientFixture();
  const query = op(() => new Query(1), { name: "find" })();
  fixture.runtime.time.jump(60_000);
  assert.equal(fixture.pipeline.of("call_end").length, 0);
  await fixture.client.finish();
  const [call] = fixture.pipeline.callsOf("find");
  assert.equal(call.output, "<Query>");
  assert.equal(call.ended_at, call.started_at, "it ended when it was returned");
  assert.equal(query.runs, 0);
});

test("result: a thenable returned by many calls is observed by only a few of them", async () => {
  using fixture = await clientFixture();
  const query = new Query("shared");
  const find = op(() => query, { name: "find" });
  for (let i = 0; i < 1000; i++) assert.equal(find(), query);
  assert.deepEqual(await (query as Any), ["shared"]);
  const outputs = fixture.pipeline.callsOf("find").map(({ output }) => output);
  assert.equal(outputs.length, 1000);
  assert.deepEqual(outputs.slice(0, 17), [...Array(16).fill(["shared"]), "<Query>"]);
  assert.equal(outputs.filter((output) => output === "<Query>").length, 984);
});

test("result: invoke returns the result of a thenable, with its call", async () => {
  using fixture = await clientFixture();
  const [rows, call] = await op(() => new Query("a") as Any, { name: "find" }).invoke();
  assert.deepEqual(rows, ["a"]);
  assert.deepEqual(call.output, ["a"]);
  assert.equal(fixture.pipeline.of("call_end").length, 1);
});

/** The OpenAI SDK without a network. */
function openai(): { client: OpenAI; requests: () => number } {
  let requests = 0;
  const client = new OpenAI({
    apiKey: "none",
    fetch: () => {
      requests++;
      return Promise.resolve(Response.json({ id: "r-1", choices: [{ text: "hello" }] }, {
        headers: { "x-request-id": "req-1" },
      }));
    },
  });
  return { client, requests: () => requests };
}

test("result: the promise of the OpenAI SDK keeps its class and its ways to be awaited", async () => {
  using fixture = await clientFixture();
  const { client, requests } = openai();
  const complete = op(client.completions, client.completions.create as Any, { name: "complete" });
  const ask = () => complete({ model: "m", prompt: "p" }) as APIPromise<Any>;
  const promise = ask();
  assert.ok(promise instanceof APIPromise);
  const { data, response, request_id } = await promise.withResponse();
  assert.deepEqual([data.id, response.status, request_id], ["r-1", 200, "req-1"]);
  assert.equal((await ask()).id, "r-1");
  assert.equal((await ask().then((value: Any) => value)).id, "r-1");
  assert.equal((await Promise.all([ask()]))[0].id, "r-1");
  const raw = await ask().asResponse();
  assert.deepEqual([raw.status, raw.bodyUsed], [200, false], "the body is the program's to read");
  assert.equal(requests(), 5);
  await fixture.client.finish();
  const outputs = fixture.pipeline.callsOf("complete").map(({ output }) => output.id ?? output);
  assert.deepEqual(outputs, ["r-1", "r-1", "r-1", "r-1", "<APIPromise>"]);
});

test("result: promises that the program returns to tracing do not stay unhandled", async () => {
  using fixture = await clientFixture({
    onEvent: (() => Promise.reject(new Error("onEvent"))) as Any,
  });
  const reject = () => Promise.reject(new Error("asynchronous")) as Any;
  op(() => 1, { name: "f", callDisplayName: reject, summarize: reject })();
  const stream = op(function* words() {
    yield 1;
  }, {
    streamReducer: { initialStateFn: reject, reduceFn: reject, finalizeFn: reject },
  });
  assert.deepEqual([...stream()], [1]);
  await turn();
  assert.equal(fixture.pipeline.of("call_end").length, 2);
});
