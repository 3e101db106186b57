import assert from "node:assert/strict";
import { WeaveWalError } from "../../../src/errors.ts";
import { FileSegment } from "../../../src/wal/segment/file_segment.ts";
import { segmentPaths } from "../../../src/wal/segment/segment_name.ts";
import { test } from "../../harness.ts";
import { bytesOf, LogWorld, PROJECT } from "../../support/wal/wal_fixture.ts";
import { putSegment, tokenOf } from "../../support/wal/writer_fixture.ts";

const LOST = { code: "ERR_LEASE_LOST" };

function scene(data: string, isSealed: () => boolean = () => true) {
  const world = new LogWorld();
  const { stem, directory } = putSegment(world, tokenOf(1), { ".jsonl": data, ".lock": "1" });
  const runtime = world.process();
  let held = true;
  const assertHeld = () => {
    if (!held) throw new WeaveWalError("ERR_LEASE_LOST", "Lost the lease");
  };
  const guard = { assertHeld, ensureHeld: assertHeld };
  const paths = segmentPaths(PROJECT, stem);
  const segment = new FileSegment({
    runtime,
    directory,
    stem,
    paths,
    guard,
    live: false,
    isSealed,
  });
  return { world, runtime, segment, paths, lose: () => void (held = false) };
}

test("file segment: it continues where a dead sender stopped, and is removed in the end", () => {
  const { world, segment, runtime, paths } = scene("a\nb\n");
  segment.acknowledge(2);
  segment.release();
  assert.equal(runtime.files.readText(paths.checkpoint), "2");
  const again = new FileSegment({
    runtime,
    directory: PROJECT,
    stem: segment.name,
    paths,
    guard: { assertHeld() {}, ensureHeld() {} },
    live: false,
    isSealed: () => true,
  });
  assert.equal(again.checkpoint, 2);
  again.complete();
  assert.deepEqual(world.names(), []);
});

test("file segment: without the lease nothing is removed, moved or dead-lettered", async () => {
  const { world, segment, lose } = scene("a\nb\n");
  const before = world.names();
  lose();
  assert.throws(() => segment.assertHeld(), LOST);
  assert.throws(() => segment.acknowledge(2), LOST);
  assert.throws(() => segment.complete(), LOST);
  const deadLetters = [{ reason: "refused", offset: 0, length: 1, line: bytesOf("a") }] as const;
  await assert.rejects(segment.deadLetterLines(deadLetters), LOST);
  segment.release();
  assert.deepEqual(world.names(), before);
});

test("file segment: a file truncated during its drain ends at the truncation", async () => {
  const { segment, runtime, paths } = scene("a\nb\nc\n");
  assert.equal(segment.isSealed(), true);
  const file = runtime.files.openAppend(paths.data);
  file.truncate(2);
  file.close();
  assert.equal(await segment.read(0, new Uint8Array(2)), 2);
  assert.equal(await segment.read(2, new Uint8Array(10)), 0);
  assert.equal(segment.end(), 2);
  segment.release();
});

test("file segment: an error while checking for the end does not count as the end", () => {
  let asks = 0;
  const { segment } = scene("a\n", () => {
    if (asks++ === 0) throw new Error("EIO");
    return true;
  });
  assert.equal(segment.isSealed(), false);
  assert.equal(segment.isSealed(), true);
  assert.equal(segment.isSealed(), true);
  assert.equal(asks, 2, "the end is not asked for again");
  segment.release();
});

test("file segment: a parked segment is reopened for reading, and lost if its file is removed", async () => {
  const { segment, runtime, paths } = scene("a\nb\n");
  segment.park();
  assert.equal(await segment.read(0, new Uint8Array(4)), 4);
  segment.park();
  segment.park();
  runtime.files.remove(paths.data);
  await assert.rejects(segment.read(0, new Uint8Array(4)), LOST);
  assert.equal(segment.isGone(), true);
});
