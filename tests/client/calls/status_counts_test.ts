import assert from "node:assert/strict";
import { op } from "../../../src/client/op/op.ts";
import { test } from "../../harness.ts";
import { clientFixture } from "../../support/client/client_fixture.ts";

const leaf = op(() => "fine", { name: "leaf" });
const failing = op(() => {
  throw new Error("on purpose");
}, { name: "failing" });

function caught(run: () => unknown): void {
  try {
    run();
  } catch {
    // Intentional.
  }
}

function countsOf(
  { pipeline }: Awaited<ReturnType<typeof clientFixture>>,
  name: string,
): unknown[] {
  return pipeline.callsOf(name).map(({ summary }) =>
    (summary as Record<string, unknown>).status_counts
  );
}

test("status counts: a call counts itself and its descendants, as in the Python SDK", async () => {
  using fixture = await clientFixture();
  const parent = op(() => {
    leaf();
    caught(failing);
  }, { name: "parent" });
  op(() => {
    parent();
    leaf();
  }, { name: "root" })();
  assert.deepEqual(countsOf(fixture, "leaf"), [
    { success: 1, error: 0 },
    { success: 1, error: 0 },
  ]);
  assert.deepEqual(countsOf(fixture, "failing"), [{ success: 0, error: 1 }]);
  assert.deepEqual(countsOf(fixture, "parent"), [{ success: 2, error: 1 }]);
  assert.deepEqual(countsOf(fixture, "root"), [{ success: 4, error: 1 }]);
});

test("status counts: a call that fails with its child counts both as errors", async () => {
  using fixture = await clientFixture();
  const outer = op(async () => {
    await Promise.resolve();
    leaf();
    failing();
  }, { name: "outer" });
  await assert.rejects(outer());
  assert.deepEqual(countsOf(fixture, "outer"), [{ success: 1, error: 2 }]);
});

test("status counts: streams and concurrent children are counted when they end", async () => {
  using fixture = await clientFixture();
  const stream = op(function* () {
    yield 1;
    caught(failing);
  }, { name: "stream" });
  const slow = op(async (ms: number) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    leaf();
  }, { name: "slow" });
  await op(async () => {
    for (const _ of stream());
    await Promise.all([slow(2), slow(1)]);
  }, { name: "root" })();
  assert.deepEqual(countsOf(fixture, "stream"), [{ success: 1, error: 1 }]);
  assert.deepEqual(countsOf(fixture, "root"), [{ success: 6, error: 1 }]);
});

test("status counts: a call that outlives its parent is not counted there", async () => {
  using fixture = await clientFixture();
  let late: Promise<unknown> | undefined;
  const slow = op(async () => {
    await Promise.resolve();
  }, { name: "slow" });
  op(() => {
    late = slow();
  }, { name: "root" })();
  await late;
  assert.deepEqual(countsOf(fixture, "root"), [{ success: 1, error: 0 }]);
});

test("status counts: they are recorded with usage, and override a summary of the same name", async () => {
  using fixture = await clientFixture();
  op(() => 1, {
    name: "model",
    summarize: () => ({ usage: { m: { prompt_tokens: 3 } }, status_counts: { mine: "no" } }),
  })();
  assert.deepEqual(fixture.pipeline.callsOf("model")[0].summary, {
    usage: { m: { requests: 1, prompt_tokens: 3 } },
    status_counts: { success: 1, error: 0 },
  });
});
