import assert from "node:assert/strict";
import { MemoryClock } from "../../support/simulated_runtime/memory_clock.ts";
import { MemoryLog, type MemoryLogOptions } from "../../../src/wal/log/memory_log.ts";
import type { DeadLetter, Segment } from "../../../src/wal/segment/segment.ts";
import { test } from "../../harness.ts";
import { lineOf } from "../../support/wal/log_fixture.ts";

function world(changes: Partial<MemoryLogOptions> = {}) {
  const segments: Segment[] = [];
  const deadLettered: DeadLetter[] = [];
  let appends = 0;
  const log = new MemoryLog({
    maxBytes: 1_000_000,
    maxRecords: 1_000,
    clock: new MemoryClock(),
    listener: {
      onSegment: (segment) => void segments.push(segment),
      onAppend: () => void appends++,
      onSyncError: () => {},
      onSyncUnsupported: () => {},
      onDetached: () => {},
    },
    onDeadLetter: (deadLetters) => void deadLettered.push(...deadLetters),
    ...changes,
  });
  const append = (name: string) => log.append("obj_create", JSON.stringify({ n: name }));
  return { log, segments, deadLettered, append, appends: () => appends };
}

async function textOf(segment: Segment, offset = 0, atOnce = 1_000): Promise<string> {
  const bytes = new Uint8Array(segment.end() - offset);
  for (let at = 0; at < bytes.length;) {
    const count = await segment.read(offset + at, bytes.subarray(at, at + atOnce));
    assert.ok(count > 0);
    at += count;
  }
  return new TextDecoder().decode(bytes);
}

test("memory log: its lines are the same as a file's, read from any offset", async () => {
  const { append, segments, appends } = world();
  const names = ["a", "é漢😀", "x".repeat(400_000), "b"];
  for (const name of names) append(name);
  const text = names.map(lineOf).join("");
  for (const atOnce of [999, 70_000, 1_000_000]) {
    assert.equal(await textOf(segments[0], 0, atOnce), text);
  }
  assert.equal(await textOf(segments[0], lineOf("a").length), text.slice(lineOf("a").length));
  assert.equal(await segments[0].read(segments[0].end(), new Uint8Array(10)), 0);
  assert.equal(appends(), names.length);
});

test("memory log: its limits hold, and acknowledged records free space", () => {
  const { append, segments } = world({ maxRecords: 3 });
  for (const name of ["a", "b", "c"]) append(name);
  assert.throws(() => append("d"), { code: "ERR_LOG_FULL", message: /3 records/ });
  segments[0].acknowledge(lineOf("a").length);
  append("d");
  assert.throws(() => append("e"), { code: "ERR_LOG_FULL" });
  segments[0].acknowledge(segments[0].end());
  for (const name of ["e", "f", "g"]) append(name);
  assert.throws(() => append("h"), { code: "ERR_LOG_FULL" });
});

test("memory log: bytes are limited too", () => {
  const { append, segments } = world({ maxBytes: 1_000 });
  append("x".repeat(800));
  assert.throws(() => append("y".repeat(200)), { code: "ERR_LOG_FULL", message: /bytes/ });
  segments[0].acknowledge(segments[0].end());
  append("y".repeat(200));
});

test("memory log: a refused append leaves nothing behind", async () => {
  const { append, segments, log } = world({ maxRecords: 1 });
  append("a");
  assert.throws(() => append("b"));
  assert.equal(await textOf(segments[0]), lineOf("a"));
  assert.deepEqual(log.written, { records: 1, bytes: lineOf("a").length });
});

test("memory log: acknowledged memory is freed, the rest stays readable", async () => {
  const { append, segments } = world({ maxBytes: 1e9, maxRecords: 1e9 });
  const names = Array.from({ length: 5_000 }, (_, n) => `${n}`.repeat(50));
  for (const name of names) append(name);
  let offset = 0;
  for (const name of names.slice(0, 2_500)) offset += lineOf(name).length;
  segments[0].acknowledge(offset);
  assert.equal(await textOf(segments[0], offset, 65_536), names.slice(2_500).map(lineOf).join(""));
  assert.equal(await segments[0].read(0, new Uint8Array(10)), 0, "the beginning is removed");
});

test("memory log: after a rotation the records continue in a new segment", async () => {
  const { log, append, segments } = world();
  append("a");
  log.rotate();
  append("b");
  assert.deepEqual(await Promise.all(segments.map((segment) => textOf(segment))), [
    lineOf("a"),
    lineOf("b"),
  ]);
  assert.deepEqual(segments.map((segment) => segment.isSealed()), [true, false]);
  log.close();
  assert.equal(segments[1].isSealed(), true);
});

test("memory log: dead letters are handed on, for there is no disk to keep them", async () => {
  const { append, segments, deadLettered } = world();
  append("a");
  const deadLetter: DeadLetter = { reason: "refused", offset: 0, length: 3 };
  await segments[0].deadLetterLines([deadLetter]);
  assert.deepEqual(deadLettered, [deadLetter]);
});

test("memory log: pending records are counted over all its segments", () => {
  const { log, append, segments } = world();
  for (const name of ["a", "b"]) append(name);
  log.rotate();
  append("c");
  assert.equal(log.waiting, 3);
  segments[0].acknowledge(lineOf("a").length);
  assert.equal(log.waiting, 2);
  segments[0].complete();
  assert.equal(log.waiting, 1);
  log.rotate();
  segments[1].complete();
  append("d");
  assert.equal(log.waiting, 1);
});
