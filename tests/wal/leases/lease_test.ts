import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { MemoryClock } from "../../support/simulated_runtime/memory_clock.ts";
import { currentLease, Lease, leaseEpochs } from "../../../src/wal/leases/lease.ts";
import { removeIfExists } from "../../../src/wal/remove_file.ts";
import { LEASE_MS } from "../../../src/wal/processes/failure_detector.ts";
import { ownIdentity } from "../../../src/wal/processes/process_identity.ts";
import { test } from "../../harness.ts";

const PREFIX = "/wal/.recovery/0badcafe.";

function world() {
  const clock = new MemoryClock();
  const runtime = new MemoryRuntime({ clock });
  runtime.files.makeDirectory("/wal/.recovery");
  const identity = ownIdentity(runtime.process);
  const acquire = (token: string, expired = currentLease(runtime.files, PREFIX)) =>
    Lease.acquire(runtime, PREFIX, expired, token, identity);
  const names = () => runtime.files.list("/wal/.recovery").map(({ name }) => name);
  return { runtime, clock, files: runtime.files, identity, acquire, names };
}

test("lease: of many processes that find no lease one acquires it", () => {
  const { files, acquire, names } = world();
  const leases = Array.from({ length: 16 }, (_, index) => acquire(`token${index}`, null));
  assert.equal(leases.filter((lease) => lease !== null).length, 1);
  assert.deepEqual(names(), ["0badcafe.1"]);
  assert.equal(currentLease(files, PREFIX)?.token, "token0");
});

test("lease: of many processes that detect a dead holder one succeeds it, and the old epoch is removed", () => {
  const { files, acquire, names } = world();
  const dead = acquire("dead")!;
  const expired = currentLease(files, PREFIX);
  const leases = Array.from({ length: 16 }, (_, index) => acquire(`token${index}`, expired));
  assert.equal(leases.filter((lease) => lease !== null).length, 1);
  assert.deepEqual(names(), ["0badcafe.2"]);
  assert.equal(leases[0]!.isHeld(), true);
  assert.equal(dead.isHeld(), false);
});

test("lease: a slow process cannot take over the fresh lease", () => {
  const { files, acquire } = world();
  acquire("dead");
  const seenBySlow = currentLease(files, PREFIX);
  const quick = acquire("quick")!;
  assert.equal(acquire("slow", seenBySlow), null);
  assert.equal(quick.isHeld(), true);
});

test("lease: a winner that dies at once is superseded in the same way", () => {
  const { acquire, names } = world();
  const leases = Array.from({ length: 5 }, (_, index) => acquire(`token${index}`)!);
  assert.deepEqual(leases.map((lease) => lease.isHeld()), [false, false, false, false, true]);
  assert.deepEqual(names(), ["0badcafe.5"]);
});

test("lease: a superseded holder detects that, even if its successor has released the lease", () => {
  const { acquire } = world();
  const first = acquire("first")!;
  const second = acquire("second")!;
  assert.throws(() => first.assertHeld(), { code: "ERR_LEASE_LOST" });
  second.release();
  assert.throws(() => first.assertHeld(), { code: "ERR_LEASE_LOST" });
  const third = acquire("third")!;
  assert.throws(() => first.assertHeld(), { code: "ERR_LEASE_LOST" }, "the epoch is in use again");
  assert.equal(third.isHeld(), true);
});

test("lease: a superseded holder neither keeps nor releases the lease of another", () => {
  const { files, acquire, names } = world();
  const first = acquire("first")!;
  acquire("second")!.release();
  const third = acquire("third")!;
  first.heartbeat();
  first.release();
  assert.deepEqual(names(), ["0badcafe.1"]);
  assert.equal(currentLease(files, PREFIX)?.token, "third");
  third.release();
  first.heartbeat();
  assert.deepEqual(names(), [], "a heartbeat makes no new lease");
});

test("lease: a lease is lost to the next epoch, even if its own file could not be removed", () => {
  const { files, acquire, runtime } = world();
  const lease = acquire("mine")!;
  const own = files.readText(lease.path);
  acquire("next");
  runtime.disk.put(lease.path, own);
  assert.equal(lease.isHeld(), false);
});

test("lease: a released lease is not fresh", () => {
  const { acquire } = world();
  const lease = acquire("mine")!;
  assert.equal(lease.isFresh, true);
  lease.release();
  assert.equal(lease.isFresh, false);
});

test("lease: a released lease is not held and does not come back", () => {
  const { acquire, names } = world();
  const lease = acquire("token")!;
  lease.release();
  assert.equal(lease.isHeld(), false);
  lease.heartbeat();
  lease.release();
  assert.deepEqual(names(), []);
});

test("lease: a lease whose file is missing, corrupt or empty is not held", () => {
  const { runtime, acquire } = world();
  const lease = acquire("token")!;
  for (const text of ["", "{", "null", "7", '{"token":"other"}']) {
    runtime.disk.put(lease.path, text);
    assert.equal(lease.isHeld(), false, text);
  }
  runtime.files.remove(lease.path);
  assert.equal(lease.isHeld(), false);
});

test("lease: a corrupt lease has no holder, but it has an epoch", () => {
  for (const text of ["", "{", "null", "[]", '{"token":7,"pid":"1"}']) {
    const { runtime, files, acquire } = world();
    runtime.disk.put(`${PREFIX}3`, text);
    const current = currentLease(files, PREFIX)!;
    assert.deepEqual(current, { epoch: 3, path: `${PREFIX}3`, token: null, holder: null });
    assert.equal(acquire("next", null)?.isHeld(), true, "only a later epoch would end it");
  }
});

test("lease: the highest epoch counts, compared as numbers", () => {
  const { runtime, files } = world();
  for (const name of ["9", "10", "2", "07", "x", "1.tmp", "-1", "1e3"]) {
    runtime.disk.put(PREFIX + name, JSON.stringify({ token: name }));
  }
  runtime.disk.put("/wal/.recovery/1badcafe.99", "");
  assert.deepEqual(leaseEpochs(files, PREFIX), [2, 7, 9, 10]);
  assert.equal(currentLease(files, PREFIX)?.token, "10");
});

test("lease: a lease that is released during a read counts as none", () => {
  const { runtime, files, acquire } = world();
  const lease = acquire("token")!;
  runtime.fault = ({ kind }) => {
    if (kind === "read") {
      runtime.fault = undefined;
      lease.release();
    }
    return undefined;
  };
  assert.equal(currentLease(files, PREFIX), null);
});

test("lease: a lease that cannot be written is an error, and nothing is left", () => {
  const { runtime, acquire, names } = world();
  runtime.fault = ({ kind }) => kind === "write" ? { code: "ENOSPC" } : undefined;
  assert.throws(() => acquire("token"), { code: "ENOSPC" });
  runtime.fault = undefined;
  assert.deepEqual(names(), []);
});

test("lease: a holder without recent heartbeats checks the disk before it sends, one with recent heartbeats does not", () => {
  const { runtime, clock, acquire } = world();
  const lease = acquire("first")!;
  let looks = 0;
  runtime.fault = () => void looks++;
  clock.advance(LEASE_MS);
  lease.ensureHeld();
  assert.equal(looks, 0);
  clock.advance(1);
  lease.ensureHeld();
  assert.ok(looks > 0, "it read the disk, and sent a heartbeat");
  looks = 0;
  clock.advance(LEASE_MS);
  lease.ensureHeld();
  assert.equal(looks, 0);
  acquire("second");
  clock.advance(1);
  assert.throws(() => lease.ensureHeld(), { code: "ERR_LEASE_LOST" });
});

test("lease: a holder continues if the heartbeat cannot be written and no other process took the lease", () => {
  const { runtime, clock, acquire } = world();
  const lease = acquire("first")!;
  runtime.fault = ({ kind }) => kind === "replace" ? { code: "ENOSPC" } : undefined;
  clock.advance(LEASE_MS + 1);
  lease.ensureHeld();
  acquire("second");
  assert.throws(() => lease.ensureHeld(), { code: "ERR_LEASE_LOST" });
});

test("lease: a holder whose heartbeat comes while it is presumed dead is not succeeded", () => {
  const { runtime, files, identity, acquire } = world();
  const holder = acquire("holder")!;
  const expired = currentLease(files, PREFIX);
  const before = files.stat(holder.path)!.id;
  runtime.fault = ({ kind, path }) => {
    if (kind !== "create" || !path.endsWith("0badcafe.2")) return undefined;
    runtime.fault = undefined;
    holder.heartbeat();
    return undefined;
  };
  const isUnchanged = (path: string) => files.stat(path)?.id === before;
  const other = Lease.acquire(
    runtime,
    PREFIX,
    expired,
    "other",
    identity,
    ({ path }) => isUnchanged(path),
  );
  assert.equal(other, null);
  assert.equal(holder.isHeld(), true);
});

test("lease: on disk it contains its holder, and a heartbeat changes the file", () => {
  const directory = mkdtempSync(join(tmpdir(), "weave-wal-lease-"));
  try {
    const runtime = detectRuntime();
    const { files, process } = runtime;
    const prefix = join(directory, "0badcafe.");
    const identity = ownIdentity(process);
    const lease = Lease.acquire(runtime, prefix, null, "token", identity)!;
    assert.equal(Lease.acquire(runtime, prefix, null, "other", identity), null);
    assert.deepEqual(JSON.parse(readFileSync(lease.path, "utf8")), { token: "token", ...identity });
    const before = files.stat(lease.path)!;
    lease.heartbeat();
    assert.notEqual(files.stat(lease.path)!.id, before.id, "a heartbeat can be seen");
    assert.equal(lease.isHeld(), true);
    assert.deepEqual(currentLease(files, prefix)?.holder, identity);
    const next = Lease.acquire(runtime, prefix, currentLease(files, prefix), "next", identity)!;
    assert.equal(lease.isHeld(), false);
    next.release();
    assert.deepEqual(readdirSync(directory), []);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("removal: a file that does not exist counts as removed, another failure is an error", () => {
  const { runtime, files } = world();
  removeIfExists(files, "/wal/nothing");
  runtime.fault = ({ kind }) => kind === "remove" ? { code: "EACCES" } : undefined;
  assert.throws(() => removeIfExists(files, "/wal/file"), { code: "EACCES" });
});

test("lease: a lease acquired while heartbeats failed is lost at the next check", () => {
  const { files, clock, acquire } = world();
  const first = acquire("first")!;
  clock.advance(LEASE_MS + 1);
  const second = acquire("second")!;
  first.heartbeat();
  assert.equal(first.isFresh, false, "a heartbeat that saw another epoch counts for nothing");
  assert.throws(() => first.ensureHeld(), { code: "ERR_LEASE_LOST" });
  assert.equal(files.stat(second.path) !== null, true);
});

test("lease: a missing or invalid directory means that the lease has no holder", () => {
  for (const place of ["nothing", "file", "link"]) {
    const { files, disk } = new MemoryRuntime();
    if (place === "file") disk.put("/wal/.recovery", "");
    if (place === "link") {
      disk.put("/elsewhere/0badcafe.1", "{}");
      disk.put("/wal/x", "");
      disk.symlink("/elsewhere", "/wal/.recovery");
    }
    assert.deepEqual(leaseEpochs(files, PREFIX), [], place);
    assert.equal(currentLease(files, PREFIX), null);
  }
});
