import assert from "node:assert/strict";
import { op } from "../../../src/client/op/op.ts";
import { type Any, clientFixture } from "../../support/client/client_fixture.ts";
import { wellFormed } from "../../../src/protocol/json/well_formed.ts";
import { test } from "../../harness.ts";

const BAD_USAGE: [unknown, RegExp][] = [
  [null, /summary\.usage is null/],
  [7, /summary\.usage is 7/],
  ["12", /summary\.usage is "12"/],
  [[1], /summary\.usage is an array/],
  [{ "gpt-4": null }, /summary\.usage\["gpt-4"\] is null/],
  [{ "gpt-4": 12 }, /summary\.usage\["gpt-4"\] is 12/],
  [{ "gpt-4": { prompt_tokens: 1.5 } }, /\["gpt-4"\]\.prompt_tokens is 1\.5/],
  [{ "gpt-4": { requests: "many" } }, /\.requests is "many"/],
];

test("usage that the server would reject is omitted from an op's summary and reported once", async () => {
  for (const [usage, message] of BAD_USAGE) {
    using fixture = await clientFixture();
    const ask = op(() => 1, { name: "ask", summarize: () => ({ usage, kept: 2 }) as Any });
    assert.equal(ask(), 1);
    assert.equal(ask(), 1);
    const [call] = fixture.pipeline.callsOf("ask");
    assert.equal(call.summary.kept, 2);
    const left = Object.values(call.summary.usage ?? {}) as Any[];
    for (const counts of left) {
      for (const count of Object.values(counts)) assert.ok(Number.isInteger(count));
    }
    assert.equal(fixture.warned.length, 1, String(message));
    assert.match(fixture.warned[0], message);
  }
});

test("usage that the server would reject does not reach the summaries of parents", async () => {
  using fixture = await clientFixture();
  const bad = op(() => 1, { name: "bad", summarize: () => ({ usage: { m: 5, n: null } }) as Any });
  const good = op(() => 1, {
    name: "good",
    summarize: () => ({ usage: { m: { total_tokens: 3 } } }),
  });
  op(() => (bad(), good()), { name: "parent", summarize: () => ({ usage: null }) as Any })();
  assert.deepEqual(fixture.pipeline.callsOf("parent")[0].summary.usage, {
    m: { requests: 1, total_tokens: 3 },
  });
});

test("a summary with getters, cycles or proxies ends the call and runs nothing", async () => {
  using fixture = await clientFixture();
  const cycle: Record<string, unknown> = { n: 1 };
  cycle.self = cycle;
  const never = () => {
    throw new Error("Code of the program was run");
  };
  const summaries = [
    cycle,
    new Proxy({}, { get: never, ownKeys: never, getPrototypeOf: never }),
    Object.defineProperty({ n: 1 }, "usage", { enumerable: true, get: never }),
    Promise.reject(new Error("summarize is asynchronous")),
    [1],
    undefined,
  ];
  for (const summary of summaries) op(() => 1, { name: "odd", summarize: () => summary as Any })();
  const calls = fixture.pipeline.callsOf("odd");
  assert.equal(calls.filter((call) => call.ended_at).length, summaries.length);
  assert.deepEqual(calls.map(({ summary }) => summary.n), [1, undefined, 1, ...Array(3)]);
  assert.ok(!fixture.warned.join().includes("Code of the program"), fixture.warned.join());
  await new Promise((resolve) => setTimeout(resolve, 0));
});

test("the end of a call with invalid usage is refused with a message that contains it", async () => {
  using fixture = await clientFixture();
  const call = fixture.client.callStart({ op_name: "direct" });
  for (const [usage, message] of BAD_USAGE) {
    assert.throws(() => fixture.client.callEnd({ ...call, summary: { usage } }), {
      code: "ERR_INVALID_OPTION",
      message,
    });
  }
  assert.throws(() => fixture.client.callEnd({ ...call, summary: 3 as Any }), /summary is 3/);
  assert.throws(() => fixture.client.callEnd({ ...call, wb_run_step_end: -1 }), /step_end is -1/);
  fixture.client.callEnd({
    ...call,
    summary: { usage: { m: { prompt_tokens: 1, requests: null, other: 1.5 } } },
  });
  assert.equal(fixture.pipeline.of("call_end").length, 1);
});

test("the start of a call that the server would reject is refused with a message", async () => {
  using fixture = await clientFixture();
  const start = (fields: Any) => () => fixture.client.callStart({ op_name: "direct", ...fields });
  const refused: [Any, RegExp][] = [
    [{ op_name: "x".repeat(129) }, /op_name is "x+", not a name of at most 128 characters/],
    [{ op_name: "検".repeat(129) }, /op_name is "検+"/],
    [{ op_name: null }, /op_name is null/],
    [{ op_name: "weave:///team/demo/object/x:1" }, /not the ref of an op/],
    [{ op_name: "weave:///nope" }, /"weave:\/\/\/nope", not the ref/],
    [{ wb_run_step: -1 }, /wb_run_step is -1/],
    [{ wb_run_step: 1.5 }, /wb_run_step is 1\.5/],
  ];
  for (const [fields, message] of refused) {
    assert.throws(start(fields), { code: "ERR_INVALID_OPTION", message });
  }
  assert.equal(fixture.pipeline.records.length, 0);
  start({ op_name: "𠮷".repeat(128), wb_run_step: 0 })();
  start({ op_name: `weave:///team/demo/op/${"x".repeat(128)}:${"a".repeat(43)}` })();
  assert.equal(fixture.pipeline.of("call_start").length, 2);
});

test("a non-string display name is rejected with a message", async () => {
  using fixture = await clientFixture();
  for (const name of [null, undefined, 5, {}]) {
    assert.throws(() => fixture.client.callUpdate("id", name as Any), {
      code: "ERR_INVALID_OPTION",
      message: /Cannot rename call "id": its name is .*"" clears the name/,
    });
    await assert.rejects(fixture.client.updateCall("id", name as Any), /Cannot rename call/);
    const [, call] = await op(() => 1, { name: "f" }).invoke();
    await assert.rejects(call.setDisplayName(name as Any), { code: "ERR_INVALID_OPTION" });
  }
  fixture.client.callUpdate("id", "");
  fixture.client.callUpdate("id", "half 😀".slice(0, 6));
  assert.deepEqual(fixture.pipeline.of("call_update").map((req) => req.display_name), [
    "",
    "half \ufffd",
  ]);
});

test("half a surrogate pair is replaced in everything that a client writes", async () => {
  using fixture = await clientFixture();
  const half = "😀".slice(0, 1);
  const fail = op((text: string) => {
    throw new Error(text);
  }, { name: `n${half}`, callDisplayName: (text) => text, attributes: { [half]: half } });
  assert.throws(() => fail(half));
  fixture.client.fileCreate(`f${half}`, half);
  fixture.client.feedbackCreate({ weave_ref: half, feedback_type: "t", payload: { [half]: half } });
  fixture.client.costCreate({ [half]: { prompt_token_cost: 1, completion_token_cost: 1 } });
  await fixture.client.publish({ [half]: half }, "o");
  fixture.client.tableCreate([{ [half]: half }]);
  assert.ok(fixture.pipeline.records.length > 8);
  for (const { text } of fixture.pipeline.records) {
    assert.doesNotMatch(text, /\\ud[89a-f]/);
    assert.equal(wellFormed(text), text);
  }
  const [{ end }] = fixture.pipeline.of("call_end");
  assert.equal(JSON.parse(end.exception).message, "\ufffd");
});
