import assert from "node:assert/strict";
import { requireCurrentChildSummary } from "../../../src/client/init.ts";
import { op } from "../../../src/client/op/op.ts";
import { mergeSummaries } from "../../../src/client/calls/summary.ts";
import { clientFixture } from "../../support/client/client_fixture.ts";
import { test } from "../../harness.ts";

interface Answer {
  model: string;
  usage: Record<string, number>;
}

const ask = op(
  async function ask(model: string, tokens: number): Promise<Answer> {
    await Promise.resolve();
    return { model, usage: { prompt_tokens: tokens, completion_tokens: 1 } };
  },
  { summarize: ({ model, usage }) => ({ usage: { [model]: usage } }) },
);

test("summary: token usage of the children adds up to the parent and its parents", async () => {
  using fixture = await clientFixture();
  const agent = op(async function agent() {
    await Promise.all([ask("m1", 10), ask("m2", 5)]);
    await ask("m1", 1);
  });
  const root = op(async function root() {
    await agent();
    await ask("m1", 100);
  });
  await root();
  const [first] = fixture.pipeline.callsOf("ask");
  assert.deepEqual(first.summary, {
    status_counts: { success: 1, error: 0 },
    usage: { m1: { requests: 1, prompt_tokens: 10, completion_tokens: 1 } },
  });
  assert.deepEqual(fixture.pipeline.callsOf("agent")[0].summary, {
    status_counts: { success: 4, error: 0 },
    usage: {
      m1: { requests: 2, prompt_tokens: 11, completion_tokens: 2 },
      m2: { requests: 1, prompt_tokens: 5, completion_tokens: 1 },
    },
  });
  assert.deepEqual(fixture.pipeline.callsOf("root")[0].summary.usage.m1, {
    requests: 3,
    prompt_tokens: 111,
    completion_tokens: 3,
  });
});

test("summary: a parent's own summary is added to its children's, also when it throws", async () => {
  using fixture = await clientFixture();
  const counted = op(async function counted(fail: boolean) {
    await ask("m", 1);
    if (fail) throw new Error("late");
    return 3;
  }, { summarize: (n) => ({ answers: n, usage: { m: { prompt_tokens: 1, requests: 7 } } }) });
  await counted(false);
  await assert.rejects(counted(true));
  const [good, bad] = fixture.pipeline.callsOf("counted");
  assert.deepEqual(good.summary, {
    status_counts: { success: 2, error: 0 },
    answers: 3,
    usage: { m: { prompt_tokens: 2, completion_tokens: 1, requests: 8 } },
  });
  assert.deepEqual(bad.summary, {
    status_counts: { success: 1, error: 1 },
    usage: { m: { prompt_tokens: 1, completion_tokens: 1, requests: 1 } },
  });
});

test("summary: code in a call can add to it", async () => {
  using fixture = await clientFixture();
  op(function cached() {
    const summary = requireCurrentChildSummary();
    summary.hits = 2;
  })();
  assert.deepEqual(fixture.pipeline.callsOf("cached")[0].summary, {
    status_counts: { success: 1, error: 0 },
    hits: 2,
  });
});

test("summary: a summary that throws or is invalid is omitted and logged once", async () => {
  using fixture = await clientFixture();
  const failing = op(() => 1, {
    name: "failing",
    summarize: () => {
      throw new Error("cannot count");
    },
  });
  assert.equal(failing(), 1);
  assert.equal(failing(), 1);
  assert.equal(op(() => 2, { name: "odd", summarize: () => 5 as never })(), 2);
  assert.equal(op(() => null, { name: "none", summarize: (n) => ({ n }) })(), null);
  for (const { summary } of fixture.pipeline.calls()) {
    assert.deepEqual(summary, { status_counts: { success: 1, error: 0 } });
  }
  assert.equal(fixture.warned.filter((line) => /cannot count/.test(line)).length, 1);
});

test("summary: numbers are added, objects are merged, and otherwise the first value is kept", () => {
  const left = { n: 1, text: "left", deep: { a: 1, b: { c: 1 } }, list: [1], mixed: 1 };
  const right = { n: 2, text: "right", deep: { b: { c: 2, d: 3 } }, list: [2], mixed: {}, more: 4 };
  assert.deepEqual(mergeSummaries(left, right), {
    n: 3,
    text: "left",
    deep: { a: 1, b: { c: 3, d: 3 } },
    list: [1],
    mixed: 1,
    more: 4,
  });
  assert.deepEqual(left.deep, { a: 1, b: { c: 1 } }, "the parts stay as they are");
});
