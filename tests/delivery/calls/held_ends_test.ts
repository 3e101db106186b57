import assert from "node:assert/strict";
import { MAX_HELD_BYTES } from "../../../src/delivery/calls/held_ends.ts";
import { formatStem } from "../../../src/wal/segment/segment_name.ts";
import { test } from "../../harness.ts";
import { line } from "../../support/delivery/batches.ts";
import { end } from "../../support/delivery/delivery_fixture.ts";
import { endLine, Scene, startLine, whole } from "../../support/delivery/held_ends_scene.ts";
import { STEM, TOKEN } from "../../support/wal/wal_fixture.ts";

test("held ends: an end that was written before its start, in another batch, is sent with it", async () => {
  for (const isSealed of [false, true]) {
    const log = endLine("a") + whole("b") + whole("c") + startLine("a") + whole("d");
    const scene = new Scene(log, { isSealed, batchRecords: 2 });
    await scene.until(() => scene.ended.size === 4);
    await scene.toEnd();
    assert.deepEqual(new Set(scene.requests), new Set(["calls/complete"]), `${isSealed}`);
    assert.deepEqual(scene.deadLetters, []);
  }
});

test("held ends: an end that was written twice before its start is sent once, with it", async () => {
  const log = endLine("a") + whole("b") + endLine("a") + startLine("a") + whole("c");
  const scene = new Scene(log, { batchRecords: 2 });
  await scene.until(() => scene.ended.size === 3);
  await scene.toEnd();
  assert.deepEqual(new Set(scene.requests), new Set(["calls/complete"]));
  assert.deepEqual(scene.deadLetters, []);
});

test("held ends: an end before its start in one batch is sent with it, also in the last batch", async () => {
  for (const isSealed of [false, true]) {
    for (const stem of [STEM, formatStem(1n, TOKEN).stem]) {
      const scene = new Scene(endLine("a") + startLine("a") + whole("b"), { isSealed, stem });
      await scene.toEnd();
      assert.deepEqual(scene.requests, ["calls/complete"]);
      assert.deepEqual([...scene.ended].sort(), ["a", "b"]);
    }
  }
});

test("held ends: the checkpoint stays in front of an end that waits, and passes it when its start comes", async () => {
  const scene = new Scene(whole("a") + endLine("late") + whole("b"));
  await scene.until(() => scene.ended.size === 2 && scene.checkpoint > 0);
  assert.equal(scene.checkpoint, whole("a").length);
  assert.equal(await scene.pending(), endLine("late").length - 1);
  scene.append(startLine("late"));
  await scene.until(() => scene.ended.has("late") && scene.checkpoint === scene.segment.end());
  assert.equal(await scene.pending(), 0);
  assert.deepEqual(scene.requests.filter((path) => path !== "calls/complete"), []);
  await scene.toEnd();
});

test("held ends: an end whose start an earlier process has delivered is sent after a moment", async () => {
  const scene = new Scene(endLine("long"));
  scene.started.add("long");
  const ms = await scene.until(() => scene.ended.has("long"));
  assert.ok(ms >= 1_900 && ms <= 2_500, `${ms} ms`);
  assert.deepEqual(scene.requests, ["call/end"]);
  await scene.toEnd();
});

test("held ends: an end whose start the server does not know waits on, and is sent with the start", async () => {
  const scene = new Scene(whole("a") + endLine("late"));
  await scene.until(() => scene.requests.includes("404"));
  assert.equal(await scene.pending(), endLine("late").length - 1);
  scene.append(startLine("late"));
  await scene.until(() => scene.ended.has("late"));
  assert.deepEqual(scene.requests.filter((path) => path !== "404"), [
    "calls/complete",
    "calls/complete",
  ]);
  await scene.toEnd();
  assert.deepEqual(scene.deadLetters, []);
});

test("held ends: a start that is read while its end is in flight is sent before it", async () => {
  for (const isSealed of [false, true]) {
    const scene = new Scene(whole("a") + endLine("late"));
    scene.onRequest = (path) => {
      if (path !== "404" || scene.isAppended) return;
      scene.isAppended = true;
      scene.append(startLine("late") + whole("b"));
      scene.isSealed = isSealed;
    };
    await scene.until(() => scene.ended.size === 3);
    await scene.toEnd();
    assert.deepEqual(scene.deadLetters, []);
  }
});

test("held ends: an end without a start is dead-lettered when its log has ended and is read", async () => {
  const scene = new Scene(endLine("orphan") + whole("a"));
  await scene.until(() => scene.requests.includes("404"));
  await scene.toEnd();
  assert.deepEqual(scene.deadLetters.map(({ offset, status }) => [offset, status]), [[0, 404]]);
  assert.deepEqual([...scene.ended], ["a"]);
});

test("held ends: in a log that has ended and is read, an end does not wait", async () => {
  const scene = new Scene(endLine("orphan") + whole("a"), { isSealed: true, batchRecords: 1 });
  const ms = await scene.until(() => scene.deadLetters.length > 0);
  assert.ok(ms < 1_000, `${ms} ms`);
  await scene.toEnd();
});

test("held ends: an end without a start does not wait longer than some minutes for a writer that goes on", async () => {
  const scene = new Scene(endLine("orphan") + whole("a"));
  await scene.until(() => scene.deadLetters.length > 0);
  assert.equal(await scene.pending(), 0);
  assert.equal(scene.checkpoint, scene.segment.end());
  await scene.toEnd();
});

test("held ends: only so many wait, whatever comes", async () => {
  const count = 20;
  const large = "x".repeat(MAX_HELD_BYTES / 16);
  const lineOf = (n: number) => `${line("call_end", end(`orphan${n}`, large))}\n`;
  const scene = new Scene(Array.from({ length: count }, (_, n) => lineOf(n)).join(""));
  await scene.until(() => scene.deadLetters.length > 0);
  assert.equal(scene.deadLetters.length, 5, "those that exceed the limit");
  assert.deepEqual(scene.deadLetters.map(({ offset }) => offset)[0], 0, "the oldest");
  await scene.toEnd();
  assert.equal(scene.deadLetters.length, count);
});

test("held ends: in a log of this package an end without a start does not wait", async () => {
  const scene = new Scene(endLine("orphan") + whole("a"), { stem: formatStem(1n, TOKEN).stem });
  const ms = await scene.until(() => scene.deadLetters.length > 0);
  assert.ok(ms < 1_000, `${ms} ms`);
  await scene.toEnd();
});

test("held ends: the v1 batch API takes an end before its start", async () => {
  const scene = new Scene(endLine("a") + whole("b") + startLine("a"), {
    batchRecords: 2,
    useCallsComplete: false,
  });
  await scene.until(() => scene.ended.size === 2);
  await scene.toEnd();
  assert.deepEqual(scene.deadLetters, []);
});
