import assert from "node:assert/strict";
import { HEARTBEAT_MS } from "../../../src/wal/processes/failure_detector.ts";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import { INTERRUPTED } from "../../../src/wal/open_calls/open_calls.ts";
import { test } from "../../harness.ts";
import {
  CallWriter,
  endsOf,
  interruptedOf,
  namesWith,
  timestamp,
} from "../../support/wal/calls_fixture.ts";
import { LogWorld, PROJECT } from "../../support/wal/wal_fixture.ts";

test("closeInterrupted: calls interrupted by a kill are ended at recovery, children first", async () => {
  const world = new LogWorld();
  const writer = new CallWriter(world);
  writer.start("root");
  writer.start("done", "root");
  writer.end("done", 2, 1);
  writer.start("child", "root");
  writer.start("grandchild", "child");
  await world.clock.elapse(HEARTBEAT_MS + 700);
  writer.start("late", "child");
  writer.end("late");
  const at = world.clock.now();
  writer.runtime.kill();
  await world.clock.elapse(3_600_000);
  const result = await world.recover();
  assert.equal(result.done, true);
  assert.deepEqual(interruptedOf(world), ["grandchild 0/1", "child 1/2", "root 4/4"]);
  for (const end of endsOf(world).filter(({ exception }) => exception !== undefined)) {
    assert.equal(end.exception, INTERRUPTED);
    assert.equal(end.ended_at, timestamp(at));
  }
  assert.deepEqual(world.names(), []);
});

test("closeInterrupted: without records the last heartbeat is the end", async () => {
  const world = new LogWorld();
  const writer = new CallWriter(world);
  writer.start("a");
  const begun = world.clock.now();
  await world.clock.elapse(3 * HEARTBEAT_MS + 500);
  writer.runtime.kill();
  await world.clock.elapse(60_000);
  await world.recover();
  assert.equal(endsOf(world)[0].ended_at, timestamp(begun + 3 * HEARTBEAT_MS));
});

test("closeInterrupted: off, and by default, nothing is closed", async () => {
  for (const changes of [{ closeInterrupted: false }, { closeInterrupted: undefined }]) {
    const world = new LogWorld();
    const writer = new CallWriter(world, changes as { closeInterrupted: false });
    writer.start("a");
    assert.deepEqual(namesWith(world, ".open"), []);
    writer.runtime.kill();
    await world.recover();
    assert.deepEqual(endsOf(world), []);
    assert.deepEqual(world.names(), []);
  }
});

for (const sender of [true, false]) {
  test(`closeInterrupted: starts in removed segments are remembered, ${sender ? "own sender" : "other sender"}`, async () => {
    const world = new LogWorld();
    const writer = new CallWriter(world, { sender, segmentBytes: 300 });
    const other = sender ? null : new CallWriter(world, { sender: true });
    writer.start("root");
    writer.start("child", "root");
    for (let n = 0; n < 8; n++) {
      writer.start(`n${n}`, "child");
      await world.clock.elapse(1_000);
      writer.end(`n${n}`);
      await world.clock.elapse(1_000);
    }
    await world.clock.elapse(10_000);
    const data = namesWith(world, ".jsonl");
    assert.ok(data.length <= 1, `delivered segments are removed: ${data}`);
    assert.ok(namesWith(world, ".open").length >= 1);
    assert.deepEqual(interruptedOf(world), []);
    writer.runtime.kill();
    other?.runtime.kill();
    await world.recover();
    assert.deepEqual(interruptedOf(world), ["child 8/1", "root 8/2"]);
    assert.deepEqual(world.names(), []);
  });
}

test("closeInterrupted: calls ended in a segment begun after the directory was listed are not closed", async () => {
  // The scan awaits several things between the listing and the check whether the writer is dead.
  for (let turns = 0; turns <= 40; turns++) {
    for (const listing of [2, 3]) {
      const world = new LogWorld();
      const writer = new CallWriter(world, { sender: false, segmentBytes: 300 });
      writer.start("root");
      writer.start("child", "root");
      const runtime = world.process();
      let listings = 0;
      const die = async () => {
        for (let turn = 0; turn < turns; turn++) await null;
        writer.end("child", 1);
        writer.start("other", "root");
        writer.end("other");
        writer.runtime.kill();
      };
      runtime.fault = ({ kind, path }) => {
        if (kind === "list" && path === PROJECT && ++listings === listing) void die();
        return undefined;
      };
      const pipeline = openPipeline(world.options(runtime));
      await world.clock.elapse(120_000);
      await pipeline.finish();
      runtime.exit();
      assert.ok(listings >= listing && writer.runtime.dead);
      assert.deepEqual(interruptedOf(world), ["root 3/1"], `listing ${listing}, turn ${turns}`);
      assert.equal(endsOf(world).length, 3);
      assert.deepEqual(world.names(), []);
    }
  }
});

test("closeInterrupted: dead letters of removed segments do not prevent it", async () => {
  const world = new LogWorld();
  const writer = new CallWriter(world, { sender: false });
  writer.start("a");
  const [name] = namesWith(world, ".jsonl");
  const earlier = name.replace(/^\d{20}/, "00000000000000000001").replace(".jsonl", ".deadletter");
  world.disk.put(`${PROJECT}/${earlier}`, '{"type":"unreadable","error":{"offset":0}}\n');
  writer.runtime.kill();
  await world.recover();
  assert.deepEqual(interruptedOf(world), ["a 0/1"]);
});

test("closeInterrupted: nothing remains of the segment in which a call began", async () => {
  const world = new LogWorld();
  const writer = new CallWriter(world, { sender: true, segmentBytes: 1 });
  writer.start("a");
  await world.clock.elapse(10_000);
  assert.deepEqual(namesWith(world, ".jsonl"), []);
  assert.equal(namesWith(world, ".open").length, 1);
  writer.runtime.kill();
  await world.recover();
  assert.deepEqual(interruptedOf(world), ["a 0/1"]);
  assert.deepEqual(world.names(), []);
});

test("closeInterrupted: calls that ended leave nothing", async () => {
  const world = new LogWorld();
  const writer = new CallWriter(world, { sender: true, segmentBytes: 300 });
  for (let n = 0; n < 8; n++) {
    writer.start(`n${n}`);
    writer.end(`n${n}`);
    await world.clock.elapse(2_000);
  }
  const result = writer.pipeline.finish();
  await world.clock.elapse(1_000);
  assert.equal((await result).done, true);
  writer.runtime.exit();
  assert.deepEqual(world.names(), []);
  await world.recover();
  assert.deepEqual(interruptedOf(world), []);
});

test("closeInterrupted: a running process keeps its calls open, however long they take", async () => {
  const world = new LogWorld();
  const writer = new CallWriter(world, { sender: true });
  writer.start("a");
  await world.recoverFor(3_600_000);
  assert.deepEqual(interruptedOf(world), []);
  writer.end("a");
  const result = writer.pipeline.finish();
  await world.clock.elapse(1_000);
  await result;
  writer.runtime.exit();
  assert.equal(endsOf(world).length, 1);
  assert.deepEqual(world.names(), []);
});

test("closeInterrupted: calls interrupted by a normal exit are closed by the next process", async () => {
  const world = new LogWorld();
  const writer = new CallWriter(world, { sender: true });
  writer.start("a");
  const result = writer.pipeline.finish();
  await world.clock.elapse(1_000);
  assert.equal((await result).done, true);
  writer.runtime.exit();
  await world.recover();
  assert.deepEqual(interruptedOf(world), ["a 0/1"]);
  assert.deepEqual(world.names(), []);
});

test("closeInterrupted: a call whose end exists only in memory while the disk fails is not closed", async () => {
  const world = new LogWorld();
  const writer = new CallWriter(world, { sender: true, useCallsComplete: false });
  writer.start("a");
  await world.clock.elapse(1_000);
  writer.runtime.fault = ({ kind, path }) =>
    kind === "write" && path.endsWith(".jsonl") ? { code: "ENOSPC" } : undefined;
  writer.end("a");
  await world.clock.elapse(1_000);
  assert.equal(endsOf(world).length, 1);
  writer.runtime.fault = () => undefined;
  await world.clock.elapse(10_000);
  writer.start("b");
  writer.runtime.kill();
  await world.recover();
  assert.deepEqual(interruptedOf(world), ["b 0/1"]);
  assert.equal(endsOf(world).length, 2);
});

for (const fault of ["stat", "open", "read", "replace", "rename"]) {
  test(`closeInterrupted: calls are closed although the disk fails once in their recovery, ${fault}`, async () => {
    let isStruck = true;
    for (let n = 0; isStruck; n++) {
      const world = new LogWorld();
      const writer = new CallWriter(world, { segmentBytes: 300 });
      writer.start("root");
      writer.start("child", "root");
      writer.start("ended", "child");
      writer.end("ended");
      writer.runtime.kill();
      const runtime = world.process();
      let left = n;
      runtime.fault = ({ kind, path }) =>
        kind === fault && path.startsWith(PROJECT) && left-- === 0 ? { code: "EIO" } : undefined;
      const pipeline = openPipeline(world.options(runtime));
      await world.clock.elapse(30_000);
      await pipeline.finish();
      runtime.exit();
      isStruck = left < 0;
      const closed = [...new Set(interruptedOf(world))]; // What is sent again is the same.
      assert.deepEqual(closed, ["child 1/1", "root 1/2"], `failure ${n}`);
      assert.deepEqual(world.names(), []);
    }
  });
}

test("closeInterrupted: a disk that takes no files about open calls does not hold up the records, and nothing is closed", async () => {
  const world = new LogWorld();
  const writer = new CallWriter(world, { segmentBytes: 300 });
  for (const id of ["a", "b", "c"]) writer.start(id);
  writer.runtime.kill();
  const runtime = world.process();
  runtime.fault = ({ kind, path }) =>
    /^(rename|replace|write)$/.test(kind) && /\.(closing|open)\b/.test(path)
      ? { code: "ENOSPC" }
      : undefined;
  const pipeline = openPipeline(world.options(runtime));
  await world.clock.elapse(30_000);
  assert.equal((await pipeline.finish()).done, true);
  runtime.exit();
  await world.recover();
  assert.deepEqual(world.server.taken.map(({ value }) => value.id).sort(), ["a", "b", "c"]);
  assert.deepEqual(interruptedOf(world), []);
  assert.deepEqual(world.names(), []);
});
