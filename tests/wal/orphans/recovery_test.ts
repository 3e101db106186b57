import assert from "node:assert/strict";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import { ABANDONED_AFTER_MS, STALE_AFTER_MS } from "../../../src/wal/processes/failure_detector.ts";
import { currentLease } from "../../../src/wal/leases/lease.ts";
import { projectDirectories } from "../../../src/wal/orphans/project_directories.ts";
import type { Fetch } from "../../../src/runtime/runtime.ts";
import { formatStem, sharedLeasePrefix } from "../../../src/wal/segment/segment_name.ts";
import { test } from "../../harness.ts";
import { LogWorld, PROJECT, WAL } from "../../support/wal/wal_fixture.ts";

function line(object_id: string): string {
  const obj = { project_id: "team/project", object_id, val: {} };
  return `${JSON.stringify({ type: "obj_create", req: { obj } })}\n`;
}

/** A pipeline in its own process that writes these records and does not send. */
function writer(world: LogWorld, names: string[], runtime = world.process(), changes = {}) {
  const pipeline = openPipeline(world.options(runtime, { sender: false, ...changes }));
  const append = (name: string) => {
    const obj = { project_id: "team/project", object_id: name, val: {} };
    pipeline.append("obj_create", JSON.stringify({ obj }));
  };
  names.forEach(append);
  return { runtime, pipeline, append };
}

function arrived(world: LogWorld): string[] {
  return world.server.taken.map(({ value }) => (value.obj as { object_id: string }).object_id);
}

/** A process that has started to send orphaned segments, and never gets a response. */
async function stuckSender(world: LogWorld) {
  const runtime = world.process();
  const fetch = () => new Promise<Response>(() => {});
  openPipeline(world.options(runtime, { fetch }));
  await world.clock.elapse(100);
  return runtime;
}

function holderOf(world: LogWorld): number | undefined {
  const looker = world.process();
  const lease = currentLease(looker.files, sharedLeasePrefix(PROJECT));
  looker.kill();
  return lease?.holder?.pid;
}

test("recovery: the segments of a running sender are left to it, however long that takes", async () => {
  const world = new LogWorld();
  world.put(line("a"));
  const first = await stuckSender(world);
  await world.recoverFor(20_000);
  assert.equal(holderOf(world), first.process.pid);
  assert.deepEqual(arrived(world), []);
});

test("recovery: flush() waits for what another process sends, finish() does not", async () => {
  const world = new LogWorld();
  world.put(line("a") + line("b"));
  const answers: (() => void)[] = [];
  const fetch: Fetch = async (url, init) => {
    if (init?.method === "POST") await new Promise<void>((resolve) => answers.push(resolve));
    return await world.server.fetch(url, init);
  };
  const holder = openPipeline(world.options(world.process(), { fetch, timeoutMs: 600_000 }));
  await world.clock.elapse(1_000);
  const pipeline = openPipeline(world.options(world.process()));
  const inTime = pipeline.flush({ timeout: 5_000 });
  await world.clock.elapse(6_000);
  const { done, pendingRecords, reason } = await inTime;
  assert.deepEqual([done, pendingRecords, reason], [false, 2, "timeout"]);
  assert.equal((await pipeline.stats()).pendingRecords, 2);
  const other = openPipeline(world.options(world.process()));
  const finished = other.finish();
  await world.clock.elapse(1_000);
  assert.deepEqual([(await finished).done, (await finished).pendingRecords], [true, 0]);
  let isDone = false;
  const flushed = pipeline.flush().finally(() => isDone = true);
  await world.clock.elapse(10_000);
  assert.ok(!isDone);
  while (answers.length > 0) {
    answers.splice(0).forEach((answer) => answer());
    await world.clock.elapse(1_000);
  }
  await world.clock.elapse(5_000);
  assert.equal((await flushed).done, true);
  assert.deepEqual(arrived(world), ["a", "b"]);
  await holder.finish();
  await pipeline.finish();
});

test("recovery: the segments of a dead sender are taken over at the next scan", async () => {
  const world = new LogWorld();
  world.put(line("a"));
  (await stuckSender(world)).kill();
  await world.recover();
  assert.deepEqual(arrived(world), ["a"]);
  assert.deepEqual(world.names(), [], "the directory of leases is removed too");
});

test("recovery: a sender without heartbeats is superseded after a while, even if it still runs", async () => {
  const world = new LogWorld();
  world.put(line("a"));
  const stuck = await stuckSender(world);
  stuck.fault = ({ kind }) => kind === "replace" ? { code: "EIO" } : undefined;
  await world.recoverFor(STALE_AFTER_MS + 5_000);
  assert.deepEqual(arrived(world), ["a"]);
  assert.deepEqual(world.names(), []);
});

test("recovery: a writer's segments are sent one after the other, in order", async () => {
  const world = new LogWorld();
  const names = Array.from({ length: 20 }, (_, n) => `n${n}`);
  const { runtime } = writer(world, names, undefined, { segmentBytes: 200 });
  assert.ok(world.names().filter((name) => name.endsWith(".jsonl")).length > 5);
  runtime.kill();
  const result = await world.recover();
  assert.equal(result.delivered, 20);
  assert.deepEqual(arrived(world), names);
});

test("recovery: a running sender sends a dead writer's whole log, including its torn tail", async () => {
  const world = new LogWorld();
  const { runtime, append } = writer(world, ["a"]);
  // Killed in the middle of a write.
  runtime.fault = ({ kind }) => {
    if (kind !== "write") return undefined;
    queueMicrotask(() => runtime.kill());
    return { code: "EIO", written: 20 };
  };
  append("b");
  runtime.kill();
  const result = await world.recover();
  assert.equal(result.done, true);
  assert.deepEqual(arrived(world), ["a"]);
});

test("recovery: the segment of a running writer without a sender is drained while it writes", async () => {
  const world = new LogWorld();
  const { runtime, append } = writer(world, ["a"]);
  const sender = world.process();
  const pipeline = openPipeline(world.options(sender));
  await world.clock.elapse(1_000);
  assert.deepEqual(arrived(world), ["a"]);
  append("b");
  await world.clock.elapse(1_000);
  assert.deepEqual(arrived(world), ["a", "b"]);
  assert.ok(world.names().some((name) => name.endsWith(".jsonl")), "its file is not removed");
  runtime.kill();
  await world.clock.elapse(5_000);
  await pipeline.finish();
  assert.deepEqual(world.names(), []);
});

test("recovery: after a reboot the segments from before it are drained soon", async () => {
  const world = new LogWorld();
  const { runtime } = writer(world, ["a"], undefined, { sender: true, lingerMs: 1e6 });
  void runtime;
  world.disk.crash(() => 0.3);
  world.host.reboot();
  await world.clock.elapse(ABANDONED_AFTER_MS + 1);
  const after = world.process();
  const pipeline = openPipeline(world.options(after));
  await world.clock.elapse(STALE_AFTER_MS);
  const result = await pipeline.finish();
  assert.ok(result.done);
  assert.deepEqual(world.names().filter((name) => !name.endsWith(".fence")), []);
});

test("recovery: files of others in the directory are neither read nor removed", async () => {
  const world = new LogWorld();
  world.put(line("a"));
  const others = [
    "notes.txt",
    "events.jsonl",
    "1700000000000000000_0123456789abcdef0123456789abcdef.jsonl",
    "backup.lock",
    ".hidden",
  ];
  for (const name of others) world.disk.put(`${PROJECT}/${name}`, line("not ours"));
  await world.recover();
  assert.deepEqual(arrived(world), ["a"]);
  assert.deepEqual(world.names(), [...others].sort());
});

test("recovery: a directory or a link with a segment's name is ignored", async () => {
  const world = new LogWorld();
  world.put(line("a"));
  const runtime = world.process();
  runtime.files.makeDirectory(`${PROJECT}/${formatStem(1n, "a".repeat(32)).stem}.jsonl`);
  world.disk.put("/etc/secret", line("secret"));
  world.disk.symlink("/etc/secret", `${PROJECT}/${formatStem(2n, "b".repeat(32)).stem}.jsonl`);
  await world.recover();
  assert.deepEqual(arrived(world), ["a"]);
});

test("recovery: all projects below the root are scanned, the own one first", () => {
  const world = new LogWorld();
  for (const path of ["b/z", "b/a", "a/x"]) world.disk.put(`${WAL}/${path}/file`, "");
  world.disk.put(`${WAL}/.known.json`, "{}");
  const runtime = world.process();
  assert.deepEqual(projectDirectories(runtime, WAL, `${WAL}/b/a`), [
    `${WAL}/b/a`,
    `${WAL}/a/x`,
    `${WAL}/b/z`,
  ]);
  assert.deepEqual(projectDirectories(runtime, "/nowhere"), []);
});

test("recovery: logs of other projects of the same server are sent too", async () => {
  const world = new LogWorld();
  world.put(line("a"));
  world.disk.put(`${WAL}/other/project/${formatStem(1n, "a".repeat(32)).stem}.jsonl`, line("b"));
  await world.recover();
  assert.deepEqual(arrived(world).sort(), ["a", "b"]);
});

test("recovery: a presence file that a kill left half-made is removed once it is old", async () => {
  const world = new LogWorld();
  const killed = world.process();
  killed.files.makeDirectory(`${WAL}/.processes`);
  killed.files.createExclusive(`${WAL}/.processes/unknown.json.1.tmp`, "");
  killed.kill();
  world.put("");
  await world.recoverFor(STALE_AFTER_MS - 1_000);
  const left = () => world.process().files.exists(`${WAL}/.processes/unknown.json.1.tmp`);
  assert.ok(left(), "its writer may be about to put it in place");
  await world.recoverFor(STALE_AFTER_MS + 5_000);
  assert.ok(!left());
});
