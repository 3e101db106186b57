import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { MemoryClock } from "../../support/simulated_runtime/memory_clock.ts";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import {
  CHECKPOINT_MS,
  CheckpointPace,
  readCheckpoint,
  writeCheckpoint,
} from "../../../src/wal/segment/checkpoint.ts";
import { test } from "../../harness.ts";

const SIZE = 100;
/** Lines of ten bytes. */
const startsLine = (offset: number) => offset % 10 === 0;

function read(content: string | null) {
  const runtime = new MemoryRuntime();
  if (content !== null) runtime.disk.put("/c", content);
  return readCheckpoint(runtime.files, "/c", SIZE, startsLine);
}

test("checkpoint: without one, a drain silently starts at the beginning", () => {
  assert.deepEqual(read(null), { offset: 0 });
});

test("checkpoint: the start of any line is valid, up to the end of the file", () => {
  for (const [text, offset] of [["0", 0], ["10", 10], ["100", 100], ["090", 90]] as const) {
    assert.deepEqual(read(text), { offset });
  }
  assert.deepEqual(read(" 20\n"), { offset: 20 }, "white space around it, as an editor leaves it");
});

test("checkpoint: an invalid checkpoint starts over and reports the reason", () => {
  for (
    const [text, why] of [
      ["", /decimal/],
      ["\0\0\0", /decimal/],
      ["-10", /decimal/],
      ["+10", /decimal/],
      ["1e1", /decimal/],
      ["10.0", /decimal/],
      ["0x10", /decimal/],
      ["10 20", /decimal/],
      ["ten", /decimal/],
      ["NaN", /decimal/],
      ["Infinity", /decimal/],
      ["9".repeat(400), /decimal/],
      ["110", /110 is past the end at 100/],
      ["999999999999999", /past the end/],
      ["15", /15 is inside a record/],
      ["99", /inside/],
    ] as const
  ) {
    const { offset, invalidReason } = read(text);
    assert.equal(offset, 0, text);
    assert.match(invalidReason ?? "", why, text);
  }
});

test("checkpoint: an unreadable checkpoint starts over and reports the reason", () => {
  const runtime = new MemoryRuntime();
  runtime.disk.put("/c/file", "10");
  assert.deepEqual(readCheckpoint(runtime.files, "/c", SIZE, startsLine), {
    offset: 0,
    invalidReason: "unreadable",
  });
});

test("checkpoint: on disk it is decimal text in a private file, replaced atomically", () => {
  const directory = mkdtempSync(join(tmpdir(), "weave-wal-checkpoint-"));
  try {
    const { files } = detectRuntime();
    const path = join(directory, "stem.checkpoint");
    writeFileSync(path, "a much longer text than the number that follows");
    const before = statSync(path).ino;
    writeCheckpoint(files, path, 70);
    assert.equal(readFileSync(path, "utf8"), "70");
    assert.notEqual(statSync(path).ino, before, "another file under the same name");
    if (process.platform !== "win32") assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(directory), ["stem.checkpoint"]);
    assert.deepEqual(readCheckpoint(files, path, SIZE, startsLine), { offset: 70 });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("checkpoint: a failed replacement leaves only the old file", () => {
  for (const kind of ["create", "write", "rename"]) {
    const runtime = new MemoryRuntime();
    runtime.disk.put("/d/c", "10");
    runtime.fault = (operation) => operation.kind === kind ? { code: "ENOSPC" } : undefined;
    try {
      writeCheckpoint(runtime.files, "/d/c", 20);
    } catch (error) {
      assert.equal((error as { code?: string }).code, "ENOSPC");
    }
    runtime.fault = undefined;
    const { offset } = readCheckpoint(runtime.files, "/d/c", SIZE, startsLine);
    assert.ok(offset === 10 || (kind === "create" && offset === 20), `${kind}: ${offset}`);
    assert.deepEqual(runtime.files.list("/d").map(({ name }) => name), ["c"]);
  }
});

test("checkpoint: it is due up to 20 times a second, less often the longer it takes", () => {
  const clock = new MemoryClock();
  const pace = new CheckpointPace(clock);
  assert.ok(pace.wait <= 0, "the first one is due at once");
  for (const [took, wait] of [[0, 50], [5, 100], [20, 400], [300, CHECKPOINT_MS]]) {
    pace.keep(() => clock.advance(took));
    assert.equal(pace.wait, wait);
    clock.advance(wait);
    assert.ok(pace.wait <= 0);
  }
  assert.throws(() => pace.keep(() => assert.fail("full disk")), /full disk/);
  assert.equal(pace.wait, 50, "a failure does not shorten the wait");
});
