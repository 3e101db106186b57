import assert from "node:assert/strict";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import { MAX_SCAN_MS, SCAN_MS } from "../../../src/delivery/recovery/scan_pace.ts";
import type { Runtime } from "../../../src/runtime/runtime.ts";
import { HEARTBEAT_MS } from "../../../src/wal/processes/failure_detector.ts";
import { countOperations } from "../../support/count_operations.ts";
import { test } from "../../harness.ts";
import { LogWorld, PROJECT } from "../../support/wal/wal_fixture.ts";
import { presenceOf, putSegment, tokenOf } from "../../support/wal/writer_fixture.ts";

const LINE = `${
  JSON.stringify({
    type: "obj_create",
    req: { obj: { project_id: "team/project", object_id: "o", val: {} } },
  })
}\n`;

/** A pipeline whose file operations and process lookups are counted. */
function countedPipeline(world: LogWorld) {
  const runtime = world.process();
  const { name, process, clock } = runtime;
  const files = countOperations(runtime.files);
  let looks = 0;
  const counted: Runtime = {
    name,
    clock,
    files,
    process: Object.create(process, {
      findProcess: {
        value: (pid: number) => {
          looks++;
          return process.findProcess(pid);
        },
      },
    }),
  };
  const pipeline = openPipeline({ ...world.options(runtime), runtime: counted });
  return { runtime, pipeline, counts: files.counts, looks: () => looks };
}

/** Running processes, each with an open segment, and heartbeats for all of them. */
function neighbors(world: LogWorld, count: number, sender = true) {
  const running = Array.from({ length: count }, (_, n) => {
    const runtime = world.process();
    // Like random tokens, these differ in their first digits.
    const token = tokenOf(Math.floor((n + 1) * 0xffffffff / (count + 1)));
    const presence = presenceOf(runtime, token, { sender });
    presence.ensure();
    putSegment(world, token, { ".jsonl": LINE, ".lock": "1" }, BigInt(n + 1));
    return { runtime, presence, isDead: false };
  });
  return {
    running,
    async elapse(ms: number) {
      for (let passed = 0; passed < ms; passed += HEARTBEAT_MS) {
        for (const { presence, isDead } of running) if (!isDead) presence.ensure();
        await world.clock.elapse(HEARTBEAT_MS);
      }
    },
  };
}

/** Looks per neighbor and minute, and the time (ms) within which a death is noticed. */
const KINDS = [
  { what: "that send", sender: true, atLeast: 1.5, atMost: 4, noticeMs: 32_000 },
  { what: "that only write", sender: false, atLeast: 5, atMost: 10, noticeMs: 14_000 },
];

for (const { what, sender, atLeast, atMost, noticeMs } of KINDS) {
  test(`neighbors: two hundred ${what} cost few looks each, and a death is noticed`, async () => {
    const world = new LogWorld();
    const count = 200;
    const { running, elapse } = neighbors(world, count, sender);
    const { runtime, looks, counts } = countedPipeline(world);
    await elapse(40_000);
    const before = { looks: looks(), reads: counts.readText ?? 0 };
    await elapse(60_000);
    const perMinute = {
      looks: (looks() - before.looks) / count,
      reads: (counts.readText - before.reads) / count,
    };
    const text = JSON.stringify(perMinute);
    assert.ok(perMinute.looks > atLeast && perMinute.looks <= atMost, text);
    assert.ok(perMinute.reads <= atMost, text);
    running[77].runtime.kill();
    running[77].isDead = true;
    const left = () => world.names().filter((name) => name.endsWith(".jsonl")).length;
    const living = left();
    await elapse(noticeMs);
    assert.equal(left(), living - 1, "the segment of the dead process is removed");
    if (sender) assert.equal(world.server.taken.length, 1, "its record was sent, once");
    runtime.exit();
  });
}

test("neighbors: looks at a thousand living processes are spread over the scans", async () => {
  const world = new LogWorld();
  const { elapse } = neighbors(world, 1_000);
  const { runtime, looks } = countedPipeline(world);
  await elapse(20_000);
  let most = 0;
  for (let scan = 0; scan < 6; scan++) {
    const before = looks();
    await elapse(SCAN_MS);
    most = Math.max(most, looks() - before);
  }
  assert.ok(most > 0 && most < 400, `${most} looks in one scan`);
  runtime.exit();
});

test("neighbors: a few living processes are looked at in every scan", async () => {
  const world = new LogWorld();
  const { running, elapse } = neighbors(world, 8);
  const { runtime } = countedPipeline(world);
  await elapse(10_000);
  running[3].runtime.kill();
  running[3].isDead = true;
  await elapse(2 * SCAN_MS);
  assert.equal(world.server.taken.length, 1);
  runtime.exit();
});

/** Dead-letter files, which stay in the directory. */
function putDeadLetters(world: LogWorld, count: number): void {
  for (let n = 0; n < count; n++) {
    putSegment(world, tokenOf(n + 1), { ".deadletter": "{}\n" }, BigInt(n + 1));
  }
}

/** Writes the files of a killed process into the directory. */
function putOrphan(world: LogWorld): void {
  const runtime = world.process();
  presenceOf(runtime, tokenOf(0xfffff)).ensure();
  putSegment(world, tokenOf(0xfffff), { ".jsonl": LINE }, 1n);
  runtime.kill();
}

test("recovery: a directory with many names is listed less often, unless a flush waits", async () => {
  const scansIn = async (names: number) => {
    const world = new LogWorld();
    putDeadLetters(world, names);
    const { runtime, pipeline, counts } = countedPipeline(world);
    await world.clock.elapse(10_000);
    const before = counts.scan;
    await world.clock.elapse(60_000);
    const after = counts.scan;
    // A flush finds an orphaned segment that was added in the meantime.
    putOrphan(world);
    const flushing = pipeline.flush();
    await world.clock.elapse(2 * SCAN_MS);
    const { done, delivered } = await flushing;
    assert.deepEqual([done, delivered], [true, 1]);
    runtime.exit();
    return after - before;
  };
  const [few, many] = [await scansIn(10), await scansIn(40_000)];
  assert.ok(few >= 28, `${few} scans of a small directory`);
  assert.ok(many <= 5, `${many} scans of a large directory`);
});

test("recovery: an orphan in a directory with many names is found in time", async () => {
  const world = new LogWorld();
  putDeadLetters(world, 100_000);
  const { runtime } = countedPipeline(world);
  await world.clock.elapse(SCAN_MS);
  putOrphan(world);
  await world.clock.elapse(MAX_SCAN_MS + 2 * SCAN_MS);
  assert.equal(world.server.taken.length, 1);
  assert.ok(world.names().length >= 100_000, PROJECT);
  runtime.exit();
});

test("recovery: the return of the server is noticed as fast in a directory with many names", async () => {
  const world = new LogWorld();
  putDeadLetters(world, 100_000);
  putOrphan(world);
  let isDown = true;
  world.server.refuse = () => isDown ? { status: 401, body: {} } : null;
  const { runtime, pipeline } = countedPipeline(world);
  // The first scan finds the orphan, and the server rejects it.
  await world.clock.elapse(20_000);
  const { server: { state, nextAttempt } } = await pipeline.stats();
  assert.equal(state, "blocked");
  isDown = false;
  // Long before the next regular scan.
  await world.clock.elapse(nextAttempt! - world.clock.now() + 2 * SCAN_MS);
  assert.equal(world.server.taken.length, 1);
  runtime.exit();
});

test("recovery: flush() does not wait for the next scan of a large directory", async () => {
  const world = new LogWorld();
  putDeadLetters(world, 40_000);
  putOrphan(world);
  const stuck = world.process();
  openPipeline(world.options(stuck, { fetch: () => new Promise<Response>(() => {}) }));
  await world.clock.elapse(100);
  const { runtime, pipeline } = countedPipeline(world);
  await world.clock.elapse(SCAN_MS);
  const flushing = pipeline.flush();
  await world.clock.elapse(SCAN_MS);
  stuck.kill();
  await world.clock.elapse(2 * SCAN_MS);
  assert.equal(world.server.taken.length, 1, "taken over from the sender that died");
  assert.equal((await flushing).done, true);
  runtime.exit();
});

test("recovery: presence files of processes with segments are not read to find leftovers", async () => {
  const world = new LogWorld();
  const { elapse } = neighbors(world, 40);
  const { runtime, counts } = countedPipeline(world);
  await elapse(HEARTBEAT_MS);
  // Read once, by the scan; the subsequent sweep does not read them again.
  assert.ok(counts.readText < 60, `${counts.readText} files read`);
  runtime.exit();
});
