import assert from "node:assert/strict";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import type { Fetch } from "../../../src/runtime/runtime.ts";
import type { ListedSegment } from "../../../src/wal/orphans/directory_listing.ts";
import { HEARTBEAT_MS, STALE_AFTER_MS } from "../../../src/wal/processes/failure_detector.ts";
import { currentLease } from "../../../src/wal/leases/lease.ts";
import { RecoveryLeases } from "../../../src/wal/leases/recovery_leases.ts";
import {
  formatStem,
  leasePrefix,
  sharedLeasePrefix,
} from "../../../src/wal/segment/segment_name.ts";
import type { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { test } from "../../harness.ts";
import { LogWorld, PROJECT, SERVER, WRITER } from "../../support/wal/wal_fixture.ts";
import { tokenOf } from "../../support/wal/writer_fixture.ts";

/** Same length as the other URL: the fake server strips it. */
const OTHER_SERVER = "http://second.test";

/** A segment of another implementation, whose name does not identify a server. */
const UNNAMED = segmentOf(WRITER);
const OWN = segmentOf(tokenOf(1, SERVER));

function segmentOf(writer: string): ListedSegment {
  const { stem } = formatStem(1n, writer);
  return { directory: PROJECT, stem, writer, suffixes: new Set([".jsonl"]) };
}

function line(object_id: string): string {
  const obj = { project_id: "team/project", object_id, val: {} };
  return `${JSON.stringify({ type: "obj_create", req: { obj } })}\n`;
}

/** Two processes that send to different servers, and the leases that each may hold. */
function rivals() {
  const world = new LogWorld();
  const leasesFor = (runtime: MemoryRuntime, token: string, server: string) =>
    new RecoveryLeases({ runtime, directory: PROJECT, server, token });
  const [first, second] = [world.process(), world.process()];
  return {
    world,
    first,
    second,
    ours: leasesFor(first, tokenOf(1, SERVER), SERVER),
    theirs: leasesFor(second, tokenOf(2, OTHER_SERVER), OTHER_SERVER),
  };
}

async function acquireFor(
  leases: RecoveryLeases,
  segments: readonly ListedSegment[],
): Promise<boolean> {
  return leases.acquire(await leases.prefixesOf(segments));
}

test("recovery leases: senders for different servers share the lease for segments without a server", async () => {
  const { ours, theirs, first } = rivals();
  assert.equal(await acquireFor(ours, [UNNAMED, OWN]), true);
  assert.equal(ours.covers(UNNAMED) && ours.covers(OWN), true);
  assert.equal(await acquireFor(theirs, [UNNAMED]), false);
  assert.equal(theirs.covers(UNNAMED), false);
  const theirOwn = segmentOf(tokenOf(3, OTHER_SERVER));
  assert.equal(await acquireFor(theirs, [UNNAMED, theirOwn]), true, "one for its server is free");
  assert.deepEqual([UNNAMED, theirOwn].map((segment) => theirs.covers(segment)), [false, true]);
  ours.release();
  theirs.release();
  assert.equal(first.files.stat(`${PROJECT}/.recovery`), null);
});

test("recovery leases: a drain is guarded by the leases that it began with, not by later ones", async () => {
  const { ours, theirs, first } = rivals();
  await acquireFor(ours, [UNNAMED]);
  const guard = ours.guardOf([UNNAMED]);
  guard.assertHeld();
  first.files.remove(`${sharedLeasePrefix(PROJECT)}1`);
  await acquireFor(theirs, [UNNAMED]);
  theirs.release();
  assert.equal(
    await acquireFor(ours, [UNNAMED]),
    true,
    "another process may have drained meanwhile",
  );
  assert.throws(() => guard.assertHeld(), { code: "ERR_LEASE_LOST" });
  ours.guardOf([UNNAMED]).assertHeld();
});

test("recovery leases: a failed heartbeat of one lease does not affect the other", async () => {
  const { ours, first, world } = rivals();
  await acquireFor(ours, [UNNAMED, OWN]);
  first.fault = ({ kind, path }) =>
    kind === "replace" && path.startsWith(sharedLeasePrefix(PROJECT)) ? { code: "EIO" } : undefined;
  await world.clock.elapse(HEARTBEAT_MS);
  assert.throws(() => ours.heartbeat(), { code: "EIO" });
  const { path } = currentLease(first.files, leasePrefix(PROJECT, SERVER))!;
  assert.equal(first.files.stat(path)!.modified, world.clock.now());
});

test("recovery leases: both leases of a killed holder are removed by the next scan", async () => {
  const { world, ours, first } = rivals();
  await acquireFor(ours, [UNNAMED, OWN]);
  first.kill();
  assert.deepEqual(world.names(), [".recovery"]);
  await world.recoverFor(STALE_AFTER_MS);
  assert.deepEqual(world.names(), []);
});

test("recovery: of senders for different servers one drains segments without a server", async () => {
  const world = new LogWorld();
  world.put(line("a"));
  let stuck = 0;
  const holder = world.process();
  const fetch: Fetch = (url, init) => {
    if (init?.method !== "POST") return world.server.fetch(url, init);
    stuck++;
    return new Promise<Response>(() => {});
  };
  openPipeline(world.options(holder, { fetch, timeoutMs: 600_000 }));
  await world.clock.elapse(1_000);
  assert.equal(stuck, 1);
  const other = world.process();
  const pipeline = openPipeline(world.options(other, { serverUrl: OTHER_SERVER }));
  await world.clock.elapse(25_000);
  assert.deepEqual(world.server.taken, [], "it is on its way to the first server");
  holder.kill();
  await world.clock.elapse(5_000);
  assert.equal(world.server.taken.length, 1);
  await pipeline.finish();
  assert.deepEqual(world.names(), []);
});
