import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { MemoryClock } from "../../support/simulated_runtime/memory_clock.ts";
import {
  Claim,
  claimGenerations,
  currentClaim,
  removeIfThere,
} from "../../../src/wal/ownership/lease.ts";
import { LEASE_MS } from "../../../src/wal/ownership/failure_detector.ts";
import { ownIdentity } from "../../../src/wal/ownership/process_identity.ts";
import { test } from "../../harness.ts";

const PREFIX = "/wal/stem.claim.";

function world() {
  const clock = new MemoryClock();
  const runtime = new MemoryRuntime({ clock });
  runtime.disk.put("/wal/stem.jsonl", "");
  const identity = ownIdentity(runtime.process);
  const take = (token: string, gone = currentClaim(runtime.files, PREFIX)) =>
    Claim.take(runtime, PREFIX, gone, token, identity);
  const names = () =>
    runtime.files.list("/wal").map(({ name }) => name).filter((name) => name.includes(".claim."));
  return { runtime, clock, files: runtime.files, identity, take, names };
}

test("claim: of many that see no claim one wins", () => {
  const { files, take, names } = world();
  const claims = Array.from({ length: 16 }, (_, index) => take(`token${index}`, null));
  assert.equal(claims.filter((claim) => claim !== null).length, 1);
  assert.deepEqual(names(), ["stem.claim.1"]);
  assert.equal(currentClaim(files, PREFIX)?.token, "token0");
});

test("claim: of many that see a dead holder one takes its place, and the old claim is gone", () => {
  const { files, take, names } = world();
  const dead = take("dead")!;
  const gone = currentClaim(files, PREFIX);
  const claims = Array.from({ length: 16 }, (_, index) => take(`token${index}`, gone));
  assert.equal(claims.filter((claim) => claim !== null).length, 1);
  assert.deepEqual(names(), ["stem.claim.2"]);
  assert.equal(claims[0]!.isHeld(), true);
  assert.equal(dead.isHeld(), false);
});

test("claim: who was too slow cannot take the fresh claim away", () => {
  const { files, take } = world();
  take("dead");
  const seenBySlow = currentClaim(files, PREFIX);
  const quick = take("quick")!;
  assert.equal(take("slow", seenBySlow), null);
  assert.equal(quick.isHeld(), true);
});

test("claim: a winner that dies at once is overtaken the same way", () => {
  const { take, names } = world();
  const claims = Array.from({ length: 5 }, (_, index) => take(`token${index}`)!);
  assert.deepEqual(claims.map((claim) => claim.isHeld()), [false, false, false, false, true]);
  assert.deepEqual(names(), ["stem.claim.5"]);
});

test("claim: a holder that was overtaken notices, also when its successor has left", () => {
  const { take } = world();
  const first = take("first")!;
  const second = take("second")!;
  assert.throws(() => first.assertHeld(), { code: "ERR_CLAIM_LOST" });
  second.release();
  assert.throws(() => first.assertHeld(), { code: "ERR_CLAIM_LOST" });
  const third = take("third")!;
  assert.throws(() => first.assertHeld(), { code: "ERR_CLAIM_LOST" }, "the name is in use again");
  assert.equal(third.isHeld(), true);
});

test("claim: a holder that was overtaken neither beats nor releases what is not its own", () => {
  const { files, take, names } = world();
  const first = take("first")!;
  take("second")!.release();
  const third = take("third")!;
  first.beat();
  first.release();
  assert.deepEqual(names(), ["stem.claim.1"]);
  assert.equal(currentClaim(files, PREFIX)?.token, "third");
  third.release();
  first.beat();
  assert.deepEqual(names(), [], "a beat makes no claim anew");
});

test("claim: a released claim is not held and does not come back", () => {
  const { take, names } = world();
  const claim = take("token")!;
  claim.release();
  assert.equal(claim.isHeld(), false);
  claim.beat();
  claim.release();
  assert.deepEqual(names(), []);
});

test("claim: a claim whose file is gone, damaged or empty is not held", () => {
  const { runtime, take } = world();
  const claim = take("token")!;
  for (const text of ["", "{", "null", "7", '{"token":"other"}']) {
    runtime.disk.put(claim.path, text);
    assert.equal(claim.isHeld(), false, text);
  }
  runtime.files.remove(claim.path);
  assert.equal(claim.isHeld(), false);
});

test("claim: a damaged claim has no holder, but it has its place", () => {
  for (const text of ["", "{", "null", "[]", '{"token":7,"pid":"1"}']) {
    const { runtime, files, take } = world();
    runtime.disk.put(`${PREFIX}3`, text);
    const current = currentClaim(files, PREFIX)!;
    assert.deepEqual(current, { generation: 3, path: `${PREFIX}3`, token: null, holder: null });
    assert.equal(take("next", null)?.isHeld(), true, "a younger generation alone would beat it");
  }
});

test("claim: the youngest generation counts, compared as numbers", () => {
  const { runtime, files } = world();
  for (const name of ["9", "10", "2", "07", "x", "1.tmp", "-1", "1e3"]) {
    runtime.disk.put(PREFIX + name, JSON.stringify({ token: name }));
  }
  runtime.disk.put("/wal/other.claim.99", "");
  assert.deepEqual(claimGenerations(files, PREFIX), [2, 7, 9, 10]);
  assert.equal(currentClaim(files, PREFIX)?.token, "10");
});

test("claim: one that is released while it is read is none", () => {
  const { runtime, files, take } = world();
  const claim = take("token")!;
  runtime.fault = ({ kind }) => {
    if (kind === "read") {
      runtime.fault = undefined;
      claim.release();
    }
    return undefined;
  };
  assert.equal(currentClaim(files, PREFIX), null);
});

test("claim: a claim that cannot be written is an error, and nothing is left", () => {
  const { runtime, take, names } = world();
  runtime.fault = ({ kind }) => kind === "write" ? { code: "ENOSPC" } : undefined;
  assert.throws(() => take("token"), { code: "ENOSPC" });
  runtime.fault = undefined;
  assert.deepEqual(names(), []);
});

test("claim: a sender that was silent looks before it sends, one that beats does not", () => {
  const { runtime, clock, take } = world();
  const claim = take("first")!;
  let looks = 0;
  runtime.fault = () => void looks++;
  clock.advance(LEASE_MS);
  claim.renew();
  assert.equal(looks, 0);
  clock.advance(1);
  claim.renew();
  assert.ok(looks > 0, "it was silent, looked, and showed that it lives");
  looks = 0;
  clock.advance(LEASE_MS);
  claim.renew();
  assert.equal(looks, 0);
  take("second");
  clock.advance(1);
  assert.throws(() => claim.renew(), { code: "ERR_CLAIM_LOST" });
});

test("claim: a silent sender goes on when the disk takes no heartbeat and the claim is its own", () => {
  const { runtime, clock, take } = world();
  const claim = take("first")!;
  runtime.fault = ({ kind }) => kind === "replace" ? { code: "ENOSPC" } : undefined;
  clock.advance(LEASE_MS + 1);
  claim.renew();
  take("second");
  assert.throws(() => claim.renew(), { code: "ERR_CLAIM_LOST" });
});

test("claim: a holder that beats while it is taken for gone is not overtaken", () => {
  const { runtime, files, identity, take } = world();
  const holder = take("holder")!;
  const gone = currentClaim(files, PREFIX);
  const before = files.stat(holder.path)!.id;
  runtime.fault = ({ kind, path }) => {
    if (kind !== "create" || !path.endsWith(".claim.2")) return undefined;
    runtime.fault = undefined;
    holder.beat();
    return undefined;
  };
  const isGone = (path: string) => files.stat(path)?.id === before;
  const other = Claim.take(runtime, PREFIX, gone, "other", identity, ({ path }) => isGone(path));
  assert.equal(other, null);
  assert.equal(holder.isHeld(), true);
});

test("claim: on the host's files it says who holds it, and a beat keeps it", () => {
  const directory = mkdtempSync(join(tmpdir(), "weave-wal-claim-"));
  try {
    const runtime = detectRuntime();
    const { files, process } = runtime;
    const prefix = join(directory, "stem.claim.");
    const identity = ownIdentity(process);
    const claim = Claim.take(runtime, prefix, null, "token", identity)!;
    assert.equal(Claim.take(runtime, prefix, null, "other", identity), null);
    assert.deepEqual(JSON.parse(readFileSync(claim.path, "utf8")), { token: "token", ...identity });
    const before = files.stat(claim.path)!;
    claim.beat();
    assert.notEqual(files.stat(claim.path)!.id, before.id, "a beat can be seen");
    assert.equal(claim.isHeld(), true);
    assert.deepEqual(currentClaim(files, prefix)?.holder, identity);
    const next = Claim.take(runtime, prefix, currentClaim(files, prefix), "next", identity)!;
    assert.equal(claim.isHeld(), false);
    next.release();
    assert.deepEqual(readdirSync(directory), []);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("claim: removing what is gone already is no error, another failure is", () => {
  const { runtime, files } = world();
  removeIfThere(files, "/wal/nothing");
  runtime.fault = ({ kind }) => kind === "remove" ? { code: "EACCES" } : undefined;
  assert.throws(() => removeIfThere(files, "/wal/stem.jsonl"), { code: "EACCES" });
});
