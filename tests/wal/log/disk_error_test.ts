import assert from "node:assert/strict";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import type { WalEvent } from "../../../src/client/pipeline/status/events.ts";
import type { MemoryOperationKind } from "../../support/simulated_runtime/memory_process.ts";
import { HEARTBEAT_MS, STALE_AFTER_MS } from "../../../src/wal/processes/failure_detector.ts";
import { currentLease } from "../../../src/wal/leases/lease.ts";
import { leasePrefix } from "../../../src/wal/segment/segment_name.ts";
import { test } from "../../harness.ts";
import { start } from "../../support/delivery/delivery_fixture.ts";
import { LogWorld, PROJECT, SERVER } from "../../support/wal/wal_fixture.ts";

const KINDS: MemoryOperationKind[] = [
  "write",
  "create",
  "open",
  "replace",
  "rename",
  "read",
  "list",
  "stat",
  "mkdir",
  "remove",
  "sync",
  "syncDirectory",
];
const CODES = ["ENOSPC", "EIO", "EROFS", "EMFILE", "EACCES"];

/** The disk's fault, the number of records before it, and whether the process sends. */
interface Trouble {
  readonly kind: MemoryOperationKind;
  readonly code: string;
  readonly before: number;
  readonly sender: boolean;
}

/** Runs a program that traces while its disk fails in one way; returns its events. */
async function liveThrough({ kind, code, before, sender }: Trouble): Promise<WalEvent[]> {
  const world = new LogWorld();
  const runtime = world.process();
  const events: WalEvent[] = [];
  const pipeline = openPipeline(world.options(runtime, {
    sender,
    segmentBytes: 600,
    onEvent: (event) => void events.push(event),
  }));
  let count = 0;
  const append = (records: number) => {
    for (let n = 0; n < records; n++) {
      const obj = { project_id: "team/project", object_id: `o${count++}`, val: {} };
      pipeline.append("obj_create", JSON.stringify({ obj }));
    }
  };
  append(before);
  await world.clock.elapse(700);
  let operations = 0;
  runtime.fault = (operation) => {
    if (operation.kind !== kind) return undefined;
    operations++;
    return kind === "write" ? { code, written: operations % 7 } : { code };
  };
  append(10);
  await world.clock.elapse(20_000);
  append(10);
  runtime.fault = undefined;
  await world.clock.elapse(20_000);
  append(10);
  await world.clock.elapse(20_000);
  const { log, appended, dropped } = await pipeline.stats();
  assert.equal(log, "file", "the log is back on disk");
  assert.equal(appended, count);
  assert.deepEqual(Object.values(dropped).filter((records) => records > 0), []);
  const { done } = await pipeline.finish();
  assert.equal(done, sender, "all is delivered at the end");
  // A process that only writes does not read, and lists nothing after its initial count.
  const isSpared = (kind === "read" || kind === "list") && !sender;
  assert.ok(operations > 0 || isSpared, "the disk was asked, and failed");
  runtime.exit();
  // A process that found its files deleted or its segments fenced leaves them to the next
  // one.
  await world.recoverFor(15_000);
  const arrived = new Set(
    world.server.taken.map(({ value }) => (value.obj as { object_id: string }).object_id),
  );
  for (let n = 0; n < count; n++) assert.ok(arrived.has(`o${n}`), `record ${n} of ${count}`);
  const left = world.names().filter((name) => !/\.(deadletter|quarantine)$/.test(name));
  assert.deepEqual(left, [], "and nothing stays");
  return events;
}

for (const kind of KINDS) {
  test(`disk error: a disk that fails at ${kind} loses no record`, async () => {
    for (const code of CODES) {
      for (const before of [0, 10]) {
        for (const sender of [true, false]) {
          const events = await liveThrough({ kind, code, before, sender }).catch((error) => {
            const how = `${code}, ${before} records before, sender ${sender ? "on" : "off"}`;
            throw new Error(`${how}: ${(error as Error).message}`, { cause: error });
          });
          const reported = events.filter(({ level }) => level === "warn" || level === "error");
          const warned = reported.filter(({ name }) => name === "disk-failed");
          assert.ok(warned.length <= 1, `${code}: ${warned.length} warnings`);
          assert.ok(reported.length <= 5, `${code}: ${reported.length} lines in a minute`);
        }
      }
    }
  }, { timeout: 60_000 });
}

/** Operations that a read-only file system refuses. */
const WRITES: readonly MemoryOperationKind[] = [
  "write",
  "create",
  "replace",
  "rename",
  "mkdir",
  "remove",
];

/** Contents of the disk when it becomes read-only. */
const ON_DISK: Record<string, { readonly records: number; readonly away: boolean }> = {
  "nothing": { records: 0, away: false },
  "delivered records": { records: 3, away: false },
  "thirty files that wait for the server": { records: 150, away: true },
};

for (const [what, { records, away }] of Object.entries(ON_DISK)) {
  test(`disk error: all is delivered while the disk is read-only for good, with ${what}`, async () => {
    for (const code of ["EROFS", "EACCES"]) {
      const world = new LogWorld();
      const runtime = world.process();
      if (away) world.server.refuse = () => ({ status: 503, body: {} });
      const pipeline = openPipeline(world.options(runtime, { sender: true, segmentBytes: 600 }));
      let count = 0;
      const append = (records: number) => {
        for (let n = 0; n < records; n++) {
          const obj = { project_id: "team/project", object_id: `o${count++}`, val: {} };
          pipeline.append("obj_create", JSON.stringify({ obj }));
        }
      };
      append(records);
      await world.clock.elapse(1_000);
      runtime.fault = ({ kind }) => WRITES.includes(kind) ? { code } : undefined;
      append(10);
      world.server.refuse = () => null;
      await world.clock.elapse(60_000);
      append(10);
      await world.clock.elapse(10_000);
      const { log, delivered, pendingRecords } = await pipeline.stats();
      assert.deepEqual([log, delivered, pendingRecords], ["memory", count, 0], code);
      assert.equal(
        new Set(world.server.taken.map(({ value }) => JSON.stringify(value))).size,
        count,
      );
      runtime.fault = undefined;
      await world.clock.elapse(20_000);
      assert.deepEqual(world.names(), [], "what was delivered is removed when the disk works");
      assert.equal((await pipeline.finish()).done, true);
      runtime.exit();
    }
  });
}

test("disk error: the lease's heartbeats continue if the presence file cannot be written", async () => {
  const world = new LogWorld();
  world.server.refuse = () => ({ status: 503, body: {} });
  const left = world.process();
  const leaving = openPipeline(world.options(left, { sender: false }));
  leaving.append("call_start", start("left"));
  await leaving.finish();
  left.exit();
  const runtime = world.process();
  const pipeline = openPipeline(world.options(runtime, { random: () => 0.5, retryMaxMs: 1_000 }));
  pipeline.append("call_start", start("own"));
  await world.clock.elapse(1_000);
  runtime.fault = ({ kind, path }) =>
    kind === "replace" && path.includes(".processes") ? { code: "EIO" } : undefined;
  await world.clock.elapse(STALE_AFTER_MS);
  const looker = world.process();
  const lease = currentLease(looker.files, leasePrefix(PROJECT, SERVER));
  assert.equal(lease?.holder?.pid, runtime.process.pid);
  const { modified } = looker.files.stat(lease!.path)!;
  assert.ok(world.clock.now() - modified <= HEARTBEAT_MS, "the lease is kept");
  runtime.fault = undefined;
  world.server.refuse = () => null;
  const finishing = pipeline.finish();
  await world.clock.elapse(60_000);
  assert.equal((await finishing).done, true);
  runtime.exit();
});
