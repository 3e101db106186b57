import assert from "node:assert/strict";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { MemoryHost } from "../../support/simulated_runtime/memory_host.ts";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import {
  ABANDONED_AFTER_MS,
  HEARTBEAT_MS,
  STALE_AFTER_MS,
} from "../../../src/wal/ownership/failure_detector.ts";
import { formatStem } from "../../../src/wal/segment/segment_name.ts";
import { projectDirectories, Recovery } from "../../../src/wal/ownership/orphan_scanner.ts";
import type { FileSegment } from "../../../src/wal/segment/file_segment.ts";
import { test } from "../../harness.ts";
import { bytesOf, LogWorld, PROJECT, SERVER, WAL } from "../../support/wal/wal_fixture.ts";

const TOKEN = "e".repeat(32);

function recoveryOf(runtime: MemoryRuntime, server = SERVER): Recovery {
  return new Recovery({ runtime, server, token: TOKEN });
}

function line(object_id: string): string {
  const obj = { project_id: "team/project", object_id, val: {} };
  return `${JSON.stringify({ type: "obj_create", req: { obj } })}\n`;
}

/** A pipeline in a process of its own that writes these records and does not send. */
function writer(world: LogWorld, names: string[], runtime = world.process(), changes = {}) {
  const pipeline = openPipeline(world.options(runtime, { sender: false, ...changes }));
  const append = (name: string) => {
    const obj = { project_id: "team/project", object_id: name, val: {} };
    pipeline.append("obj_create", JSON.stringify({ obj }));
  };
  names.forEach(append);
  return { runtime, pipeline, append };
}

/** What the segments hold, as texts of object ids. */
async function idsIn(segments: FileSegment[]): Promise<string[]> {
  const ids: string[] = [];
  for (const segment of segments) {
    const bytes = new Uint8Array(segment.end());
    await segment.read(0, bytes);
    for (const [, id] of new TextDecoder().decode(bytes).matchAll(/"object_id":"(.*?)"/g)) {
      ids.push(id);
    }
  }
  return ids;
}

function arrived(world: LogWorld): string[] {
  return world.server.taken.map(({ value }) => (value.obj as { object_id: string }).object_id);
}

test("recovery: of each writer the oldest segment comes, oldest writer first", async () => {
  const world = new LogWorld();
  const [a, b] = ["a".repeat(32), "b".repeat(32)];
  for (const [ns, token] of [[5n, b], [1n, b], [3n, a], [2n, a]] as const) {
    world.put(line(`${token[0]}${ns}`), formatStem(ns, token).stem);
  }
  const recovery = recoveryOf(world.process());
  assert.deepEqual(await idsIn(recovery.claim(PROJECT)), ["b1", "a2"]);
  assert.deepEqual(recovery.claim(PROJECT), [], "the next ones wait until these are gone");
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

test("recovery: what is drained by a living sender is left to it", async () => {
  const world = new LogWorld();
  world.put(line("a"));
  const first = recoveryOf(world.process());
  const second = recoveryOf(world.process());
  assert.equal(first.claim(PROJECT).length, 1);
  for (let ms = 0; ms < STALE_AFTER_MS * 3; ms += HEARTBEAT_MS) {
    first.beat();
    assert.deepEqual(second.claim(PROJECT), []);
    await world.clock.elapse(HEARTBEAT_MS);
  }
});

test("recovery: what a dead sender drained is taken over at once, from its checkpoint", () => {
  const world = new LogWorld();
  world.put(line("a") + line("b"));
  const dead = world.process();
  const [segment] = recoveryOf(dead).claim(PROJECT);
  segment.acknowledge(bytesOf(line("a")).length);
  dead.kill();
  const [again] = recoveryOf(world.process()).claim(PROJECT);
  assert.equal(again.checkpoint, bytesOf(line("a")).length);
});

test("recovery: a stopped sender is taken over after a while; awake, it touches nothing", async () => {
  const world = new LogWorld();
  world.put(line("a") + line("b"));
  const stopped = recoveryOf(world.process());
  const [old] = stopped.claim(PROJECT);
  const other = recoveryOf(world.process());
  assert.deepEqual(other.claim(PROJECT), []);
  await world.clock.elapse(STALE_AFTER_MS);
  const [taken] = other.claim(PROJECT);
  taken.acknowledge(bytesOf(line("a")).length);
  const before = world.names();
  stopped.beat();
  assert.throws(() => old.acknowledge(bytesOf(line("a") + line("b")).length), {
    code: "ERR_CLAIM_LOST",
  });
  assert.throws(() => old.complete(), { code: "ERR_CLAIM_LOST" });
  await assert.rejects(
    old.setAsideLines([{ reason: "refused", offset: 0, length: 1, line: bytesOf("x") }]),
    { code: "ERR_CLAIM_LOST" },
  );
  old.release();
  assert.deepEqual(world.names(), before);
  const looker = world.process();
  const checkpoint = before.find((name) => name.endsWith(".checkpoint"))!;
  assert.equal(looker.files.readText(`${PROJECT}/${checkpoint}`), String(line("a").length));
  taken.complete();
  assert.deepEqual(world.names(), []);
});

test("recovery: a sender that lives takes a dead writer's whole log, and its torn tail", async () => {
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

test("recovery: a living writer without a sender is drained while it writes", async () => {
  const world = new LogWorld();
  const { runtime, append } = writer(world, ["a"]);
  const sender = world.process();
  const pipeline = openPipeline(world.options(sender));
  await world.clock.elapse(1_000);
  assert.deepEqual(arrived(world), ["a"]);
  append("b");
  await world.clock.elapse(1_000);
  assert.deepEqual(arrived(world), ["a", "b"]);
  assert.ok(world.names().some((name) => name.endsWith(".jsonl")), "its file is not taken away");
  runtime.kill();
  await world.clock.elapse(5_000);
  await pipeline.finish();
  assert.deepEqual(world.names(), []);
});

test("recovery: a living writer with a sender of its own is left alone", async () => {
  const world = new LogWorld();
  const runtime = world.process();
  const pipeline = openPipeline(world.options(runtime, { lingerMs: 60_000 }));
  const obj = { project_id: "team/project", object_id: "a", val: {} };
  pipeline.append("obj_create", JSON.stringify({ obj }));
  const other = recoveryOf(world.process());
  for (let ms = 0; ms < STALE_AFTER_MS * 3; ms += 1_000) {
    assert.deepEqual(other.claim(PROJECT), []);
    await world.clock.elapse(1_000);
  }
  assert.equal((await pipeline.finish()).delivered, 1);
  runtime.exit();
});

test("recovery: a writer of another host is believed while it beats, and no longer", async () => {
  const world = new LogWorld();
  const elsewhere = new MemoryHost({ name: "elsewhere", bootId: "other", pidNamespace: "pid:[9]" });
  const runtime = new MemoryRuntime({ disk: world.disk, clock: world.clock, host: elsewhere });
  writer(world, ["a"], runtime, { sender: false });
  const other = recoveryOf(world.process());
  const [segment] = other.claim(PROJECT);
  assert.equal(segment.isSealed(), false, "it does not send, so others may; but it may write");
  for (let ms = 0; ms < STALE_AFTER_MS * 3; ms += 1_000) {
    await world.clock.elapse(1_000);
    assert.equal(segment.isSealed(), false);
  }
  runtime.kill();
  assert.equal(segment.isSealed(), false, "nobody here can see its death");
  await world.clock.elapse(STALE_AFTER_MS);
  segment.isSealed();
  await world.clock.elapse(STALE_AFTER_MS);
  assert.equal(segment.isSealed(), true);
});

test("recovery: PID 1 of a dead container is not PID 1 of a living one on the same volume", async () => {
  const world = new LogWorld();
  const container = (pidNamespace: string) =>
    new MemoryRuntime({
      disk: world.disk,
      clock: world.clock,
      host: new MemoryHost({ name: pidNamespace, pidNamespace }),
      pid: 1,
    });
  const first = container("pid:[1]");
  const { pipeline } = writer(world, ["a"], first, { sender: true, lingerMs: 1e6 });
  const second = container("pid:[2]");
  const recovery = recoveryOf(second);
  assert.deepEqual(recovery.claim(PROJECT), []);
  await world.clock.elapse(STALE_AFTER_MS);
  assert.deepEqual(recovery.claim(PROJECT), [], "it beats");
  first.kill();
  void pipeline;
  await world.clock.elapse(STALE_AFTER_MS);
  assert.equal(recovery.claim(PROJECT).length, 1, "its log and its claim, at once");
});

test("recovery: after a reboot the logs of before are taken up soon", async () => {
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
  assert.deepEqual(world.names(), []);
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

test("recovery: a directory or a link under a segment's name is left alone", async () => {
  const world = new LogWorld();
  world.put(line("a"));
  const runtime = world.process();
  runtime.files.makeDirectory(`${PROJECT}/${formatStem(1n, "a".repeat(32)).stem}.jsonl`);
  world.disk.put("/etc/secret", line("secret"));
  world.disk.symlink("/etc/secret", `${PROJECT}/${formatStem(2n, "b".repeat(32)).stem}.jsonl`);
  await world.recover();
  assert.deepEqual(arrived(world), ["a"]);
});

test("recovery: a segment that goes while it is claimed is nobody's, and no claim stays", () => {
  const world = new LogWorld();
  world.put(line("a"));
  const runtime = world.process();
  runtime.fault = ({ kind, path }) => {
    if (kind === "open" && path.endsWith(".jsonl")) {
      runtime.fault = undefined;
      runtime.files.remove(path);
    }
    return undefined;
  };
  assert.deepEqual(recoveryOf(runtime).claim(PROJECT), []);
  assert.deepEqual(world.names(), []);
});

test("recovery: a directory that fails to be read is an error for the sender to live with", () => {
  const world = new LogWorld();
  world.put(line("a"));
  const runtime = world.process();
  runtime.fault = ({ kind }) => kind === "list" ? { code: "EIO" } : undefined;
  assert.throws(() => recoveryOf(runtime).claim(PROJECT), { code: "EIO" });
  runtime.fault = undefined;
  assert.equal(recoveryOf(runtime).claim(PROJECT).length, 1);
});

test("recovery: all projects below the root are looked at, the own one first", () => {
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

test("recovery: a log that was cut while it was drained ends where it was cut", async () => {
  const world = new LogWorld();
  world.put(line("a") + line("b") + line("c"));
  const runtime = world.process();
  const [segment] = recoveryOf(runtime).claim(PROJECT);
  assert.equal(segment.isSealed(), true);
  const cut = bytesOf(line("a")).length;
  const name = world.names().find((name) => name.endsWith(".jsonl"));
  const file = runtime.files.openAppend(`${PROJECT}/${name}`);
  file.truncate(cut);
  file.close();
  assert.equal(await segment.read(0, new Uint8Array(cut)), cut);
  assert.equal(await segment.read(cut, new Uint8Array(10)), 0);
  assert.equal(segment.end(), cut);
});
