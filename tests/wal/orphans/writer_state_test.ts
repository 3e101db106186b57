import assert from "node:assert/strict";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { MemoryHost } from "../../support/simulated_runtime/memory_host.ts";
import {
  ABANDONED_AFTER_MS,
  CONFIRM_AFTER_MS,
  HEARTBEAT_MS,
  STALE_AFTER_MS,
} from "../../../src/wal/processes/failure_detector.ts";
import { presencePath } from "../../../src/wal/processes/presence_state.ts";
import { WriterStates } from "../../../src/wal/orphans/writer_state.ts";
import { test } from "../../harness.ts";
import { LogWorld, SERVER, WAL } from "../../support/wal/wal_fixture.ts";
import { presenceOf, putSegment, tokenOf } from "../../support/wal/writer_fixture.ts";

const OWN = tokenOf(0xfff);
const WRITER = tokenOf(1);

/** A watcher, and the segment of a process, possibly on another host. */
function scene(host?: MemoryHost, sender = true) {
  const world = new LogWorld();
  const { disk, clock } = world;
  const writer = new MemoryRuntime({ disk, clock, host: host ?? world.host });
  const presence = presenceOf(writer, WRITER, { sender });
  presence.ensure();
  const segment = putSegment(world, WRITER, { ".jsonl": "{}\n", ".lock": "1" });
  return { world, clock, writer, presence, segment, ...watcherIn(world) };
}

function watcherIn(world: LogWorld) {
  const runtime = world.process();
  const states = new WriterStates({ runtime, root: WAL, server: SERVER, token: OWN });
  return { runtime, states };
}

const ELSEWHERE = () => new MemoryHost({ name: "elsewhere", bootId: "b", pidNamespace: "pid:[9]" });

test("writer state: a running local process keeps its segments, or only writes them", () => {
  for (const [sender, expected] of [[true, "kept"], [false, "write-only"]] as const) {
    const { states, segment, writer } = scene(undefined, sender);
    assert.equal(states.of(segment), expected);
    writer.kill();
    assert.equal(states.of(segment), "ended", "its death is known at once");
  }
});

test("writer state: a suspended local process is alive, however long it is suspended", () => {
  const { states, segment, clock } = scene();
  for (let hours = 0; hours < 24; hours++) {
    assert.equal(states.of(segment), "kept");
    clock.advance(3_600_000);
  }
});

test("writer state: a process that closed its log has ended, even while it runs", () => {
  for (const host of [undefined, ELSEWHERE()]) {
    const { states, segment, presence } = scene(host);
    presence.end(true);
    assert.equal(states.of(segment), "ended");
  }
});

test("writer state: the end of a running process is detected a few seconds later", () => {
  const { states, segment, presence, clock } = scene();
  assert.equal(states.of(segment), "kept");
  presence.end(true);
  clock.advance(STALE_AFTER_MS);
  assert.equal(states.of(segment), "ended");
});

test("writer state: a reused PID does not bring a dead process back", () => {
  const { states, segment, writer, world } = scene();
  const { pid } = writer.process;
  writer.kill();
  new MemoryRuntime({ disk: world.disk, host: world.host, pid });
  assert.equal(states.of(segment), "ended");
  assert.equal(watcherIn(world).states.of(segment), "ended");
});

test("writer state: PID 1 of a dead container is not the observer's PID 1", () => {
  const world = new LogWorld();
  const { disk, clock } = world;
  const [dead, watcher] = ["pid:[1]", "pid:[2]"].map((pidNamespace) =>
    new MemoryRuntime({ disk, clock, host: new MemoryHost({ pidNamespace }), pid: 1 })
  );
  presenceOf(dead, WRITER).ensure();
  const segment = putSegment(world, WRITER, { ".jsonl": "{}\n", ".lock": "1" });
  dead.kill();
  const states = new WriterStates({ runtime: watcher, root: WAL, server: SERVER, token: OWN });
  assert.equal(states.of(segment), "watched");
  clock.advance(STALE_AFTER_MS);
  assert.equal(states.of(segment), "presumed-dead");
});

for (const sender of [true, false]) {
  const running = sender ? "watched" : "write-only";
  test(`writer state: a process on another host is ${running} while its heartbeats come`, () => {
    const { states, segment, presence, clock } = scene(ELSEWHERE(), sender);
    for (let ms = 0; ms < 3 * STALE_AFTER_MS; ms += HEARTBEAT_MS) {
      assert.equal(states.of(segment), running);
      clock.advance(HEARTBEAT_MS);
      presence.heartbeat();
    }
    assert.equal(states.of(segment), running);
    clock.advance(STALE_AFTER_MS - 1);
    assert.equal(states.of(segment), running);
    clock.advance(1);
    assert.equal(states.of(segment), "presumed-dead");
    presence.heartbeat();
    assert.equal(states.of(segment), running, "it was suspended");
  });
}

test("writer state: if start times are hidden, only the heartbeat is evidence for a PID in use", () => {
  const world = new LogWorld();
  const { disk, clock } = world;
  const host = new MemoryHost({ startTimes: false });
  const [writer, runtime] = [1, 2].map(() => new MemoryRuntime({ disk, clock, host }));
  presenceOf(writer, WRITER).ensure();
  const segment = putSegment(world, WRITER, { ".jsonl": "{}\n" });
  const states = new WriterStates({ runtime, root: WAL, server: SERVER, token: OWN });
  assert.equal(states.of(segment), "watched");
  clock.advance(STALE_AFTER_MS);
  assert.equal(states.of(segment), "presumed-dead");
  writer.kill();
  assert.equal(states.of(segment), "ended", "a PID that nobody has is proof");
});

test("writer state: a file that is old by the file system's clock is observed for a shorter time", () => {
  const { states, segment, clock, runtime } = scene(ELSEWHERE());
  clock.advance(ABANDONED_AFTER_MS + 1);
  presenceOf(runtime, OWN).ensure();
  assert.equal(states.of(segment), "watched");
  clock.advance(CONFIRM_AFTER_MS);
  assert.equal(states.of(segment), "presumed-dead");
});

test("writer state: without a presence file a process is observed, then presumed dead", () => {
  for (const corrupted of [null, "", "\0\0\0", "{", "null", '{"token":7}']) {
    const { states, segment, clock, runtime, world, presence } = scene();
    runtime.files.remove(presencePath(WAL, WRITER));
    if (corrupted !== null) world.disk.put(presencePath(WAL, WRITER), corrupted);
    for (let ms = 0; ms < STALE_AFTER_MS; ms += HEARTBEAT_MS) {
      assert.equal(states.of(segment), "watched", String(corrupted));
      clock.advance(HEARTBEAT_MS);
    }
    assert.equal(states.of(segment), "presumed-dead", String(corrupted));
    presence.heartbeat();
    assert.equal(states.of(segment), "kept", "it runs, and has written the file again");
  }
});

test("writer state: a presence file that disappears again is observed for the full time again", () => {
  const { states, segment, clock, runtime, presence } = scene(ELSEWHERE());
  const path = presencePath(WAL, WRITER);
  runtime.files.remove(path);
  states.of(segment);
  clock.advance(STALE_AFTER_MS - 1);
  assert.equal(states.of(segment), "watched");
  presence.heartbeat();
  assert.equal(states.of(segment), "watched");
  clock.advance(STALE_AFTER_MS);
  runtime.files.remove(path);
  assert.equal(states.of(segment), "watched");
  clock.advance(STALE_AFTER_MS - 1);
  assert.notEqual(states.of(segment), "presumed-dead");
});

test("writer state: a process known to be dead stays dead when its presence file is removed", async () => {
  const { states, segment, writer, runtime } = scene();
  writer.kill();
  assert.equal(states.of(segment), "ended");
  runtime.files.remove(presencePath(WAL, WRITER));
  assert.equal(states.of(segment), "ended");
  await states.forgetAllBut((token) => token === WRITER);
  assert.equal(states.of(segment), "ended");
  await states.forgetAllBut(() => false);
  assert.equal(states.of(segment), "watched", "nothing is remembered of who has no segment");
});

test("writer state: segments for another server are kept, whatever happened to their writer", () => {
  const world = new LogWorld();
  const token = tokenOf(1, "http://other.test");
  const writer = world.process();
  presenceOf(writer, token, { server: "http://other.test" }).ensure();
  const segment = putSegment(world, token, { ".jsonl": "{}\n" });
  writer.kill();
  const { states } = watcherIn(world);
  assert.equal(states.of(segment), "kept");
  world.clock.advance(10 * STALE_AFTER_MS);
  assert.equal(states.of(segment), "kept");
});

test("writer state: a thousand segments of a running process cost one read of its presence file", () => {
  const { states, segment, runtime } = scene();
  let reads = 0;
  runtime.fault = ({ kind }) => void (reads += kind === "read" ? 1 : 0);
  for (let n = 0; n < 1_000; n++) states.of(segment);
  assert.equal(reads, 1);
});
