import assert from "node:assert/strict";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { MAX_MESSAGE_LENGTH } from "../../../src/wal/dead_letters/dead_letter_entry.ts";
import { DeadLetterFile } from "../../../src/wal/dead_letters/dead_letter_file.ts";
import { segmentPaths } from "../../../src/wal/segment/segment_name.ts";
import type { DeadLetter } from "../../../src/wal/segment/segment.ts";
import { test } from "../../harness.ts";
import { bytesOf } from "../../support/wal/wal_fixture.ts";

const PATHS = segmentPaths("/wal", "stem");
const REQUEST = '{"obj":{"n":1.0,"big":12345678901234567890,"s":"é\\ud83d"}}';
const LINE = `{"type":"obj_create","req":${REQUEST}}`;

function world() {
  const runtime = new MemoryRuntime();
  runtime.disk.put("/wal/stem.jsonl", "source");
  const deadLetters = new DeadLetterFile(runtime.files, runtime.clock, "/wal", PATHS);
  const source = bytesOf("0123456789".repeat(300_000));
  const append = (...entries: DeadLetter[]) =>
    deadLetters.append(entries, (offset, into) => {
      const found = source.subarray(offset, offset + Math.min(into.length, 70_000));
      into.set(found);
      return Promise.resolve(found.length);
    });
  const text = () => new TextDecoder().decode(runtime.disk.bytes(PATHS.deadLetters));
  const quarantine = () => runtime.disk.bytes(PATHS.quarantine);
  return { runtime, deadLetters, source, append, text, quarantine };
}

function refused(offset: number, changes: Partial<DeadLetter> = {}): DeadLetter {
  const line = bytesOf(LINE);
  return {
    reason: "refused",
    status: 422,
    message: "no",
    offset,
    length: line.length,
    line,
    ...changes,
  };
}

test("dead letters: a rejected record is kept byte for byte, with reason and time", async () => {
  const { runtime, append, text } = world();
  await append(refused(7));
  const at = new Date(runtime.clock.now()).toISOString();
  const error = {
    reason: "refused",
    status: 422,
    message: "no",
    at,
    offset: 7,
    length: bytesOf(LINE).length,
  };
  assert.equal(text(), `{"type":"obj_create","req":${REQUEST},"error":${JSON.stringify(error)}}\n`);
  assert.equal(runtime.disk.mode(PATHS.deadLetters), 0o600);
  assert.equal(runtime.files.stat(PATHS.quarantine), null);
});

test("dead letters: a record in another writer's layout is kept unchanged", async () => {
  const { append, text } = world();
  const line = bytesOf(`\ufeff{"req": ${REQUEST}, "at": 1, "type": "obj_create"}`);
  await append(refused(0, { line, length: line.length }));
  assert.ok(text().startsWith(`{"type":"obj_create","req":${REQUEST},"error":`));
});

test("dead letters: bytes that are not a valid record go to quarantine, whatever their reason", async () => {
  for (
    const broken of ["garbage", `${LINE}}`, LINE.replace('"n"', '"n'), `${LINE}${LINE}`, "\0\0"]
  ) {
    for (const reason of ["corrupt", "torn", "refused"] as const) {
      const { append, text, quarantine } = world();
      const line = bytesOf(broken);
      await append(refused(3, { reason, line, length: line.length }));
      const entry = JSON.parse(text());
      assert.equal(entry.type, "unreadable");
      assert.equal(entry.error.reason, reason);
      assert.deepEqual(entry.quarantine, { offset: 0, length: line.length });
      assert.deepEqual(quarantine(), line);
    }
  }
});

test("dead letters: a range too large for memory is copied from the log", async () => {
  const { append, text, quarantine, source } = world();
  const stretch: DeadLetter = { reason: "oversize", offset: 5, length: 2_500_001 };
  await append({ reason: "corrupt", offset: 0, length: 1, line: bytesOf("x") }, stretch);
  const [, entry] = text().trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(entry.quarantine, { offset: 1, length: 2_500_001 });
  assert.deepEqual(quarantine().subarray(1), source.subarray(5, 5 + 2_500_001));
});

test("dead letters: a server's message is truncated to a maximum length", async () => {
  const { append, text } = world();
  await append(refused(0, { message: "é".repeat(MAX_MESSAGE_LENGTH * 3) }));
  assert.equal(JSON.parse(text()).error.message, "é".repeat(MAX_MESSAGE_LENGTH));
});

test("dead letters: their offsets are restored, from a checkpoint on", async () => {
  const { append, deadLetters } = world();
  assert.deepEqual(deadLetters.offsets(0), new Set());
  await append(refused(0), refused(50), {
    reason: "corrupt",
    offset: 90,
    length: 1,
    line: bytesOf("x"),
  });
  await append(refused(200));
  assert.deepEqual(deadLetters.offsets(0), new Set([0, 50, 90, 200]));
  assert.deepEqual(deadLetters.offsets(90), new Set([90, 200]));
});

test("dead letters: a partial entry left by a crash is ignored, and affects no other", async () => {
  const { runtime, append, deadLetters, text } = world();
  await append(refused(10));
  const whole = text();
  for (let cut = 1; cut < whole.length; cut += 13) {
    runtime.disk.put(PATHS.deadLetters, whole + whole.slice(0, cut));
    assert.deepEqual(deadLetters.offsets(0), new Set([10]));
    await append(refused(20));
    assert.deepEqual(deadLetters.offsets(0), new Set([10, 20]));
    assert.equal(text().split("\n").length, 4);
  }
});

test("dead letters: both files and their directory are on stable storage before it resolves", async () => {
  const { runtime, append } = world();
  await append(refused(0), { reason: "torn", offset: 9, length: 1, line: bytesOf("x") });
  runtime.disk.crash(() => 0);
  const { files } = new MemoryRuntime({ disk: runtime.disk });
  assert.equal(files.readText(PATHS.quarantine), "x");
  assert.equal(files.readText(PATHS.deadLetters).split("\n").length, 3);
});

test("dead letters: an append that fails leaves no part of its entries", async () => {
  for (const [kind, path] of [["write", PATHS.deadLetters], ["write", PATHS.quarantine]] as const) {
    const { runtime, append, text, deadLetters } = world();
    await append(refused(0));
    const before = text();
    runtime.fault = (operation) =>
      operation.kind === kind && operation.path === path
        ? { code: "ENOSPC", written: 5 }
        : undefined;
    await assert.rejects(
      append(refused(50), { reason: "torn", offset: 90, length: 10, line: bytesOf("0123456789") }),
      { code: "ENOSPC" },
    );
    runtime.fault = undefined;
    assert.equal(text(), before);
    assert.deepEqual(deadLetters.offsets(0), new Set([0]));
  }
});

test("dead letters: short writes are completed", async () => {
  const { runtime, append, deadLetters } = world();
  runtime.fault = ({ kind }) => kind === "write" ? { short: 3 } : undefined;
  await append(refused(0), refused(60));
  assert.deepEqual(deadLetters.offsets(0), new Set([0, 60]));
});

test("dead letters: an unreadable file is an error, not treated as empty", () => {
  const { runtime, deadLetters } = world();
  runtime.fault = ({ kind }) => kind === "read" ? { code: "EIO" } : undefined;
  assert.throws(() => deadLetters.offsets(0), { code: "EIO" });
});
