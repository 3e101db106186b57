import assert from "node:assert/strict";
import { EngineError, type LeaseStore } from "../../../src/jetstream/engine.ts";
import { StreamLease } from "../../../src/jetstream/sending/stream_lease.ts";
import { test } from "../../harness.ts";
import { MemoryClock } from "../../support/simulated_runtime/memory_clock.ts";

const TTL_MS = 10_000;

/** A lease whose renewals a test answers. */
async function takeLease() {
  const clock = new MemoryClock();
  const renewals: PromiseWithResolvers<number>[] = [];
  const removed: number[] = [];
  const store: LeaseStore = {
    ttlMs: TTL_MS,
    create: () => Promise.resolve(1),
    update: () => {
      const renewal = withResolvers<number>();
      renewals.push(renewal);
      return renewal.promise;
    },
    remove: (_, revision) => Promise.resolve(void removed.push(revision)),
    keys: () => Promise.resolve([]),
  };
  const lease = await StreamLease.take(store, clock, "partition.0", "me");
  assert.ok(lease);
  return { lease, clock, renewals, removed };
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((yes, no) => [resolve, reject] = [yes, no]);
  return { promise, resolve, reject };
}

test("stream lease: once it was found to be lost, a late renewal does not bring it back", async () => {
  const { lease, clock, renewals, removed } = await takeLease();
  clock.advance(6_000);
  const renewed = lease.heartbeat();
  clock.advance(2_000);
  assert.throws(() => lease.assertHeld(), { code: "ERR_LEASE_LOST" });
  renewals[0].resolve(2);
  await renewed;
  assert.equal(lease.isLost, true);
  assert.throws(() => lease.assertHeld(), { code: "ERR_LEASE_LOST" });
  await lease.heartbeat();
  assert.equal(renewals.length, 1, "it is not renewed any more");
  await lease.release();
  assert.deepEqual(removed, [2], "the next holder does not wait until the key expires");
});

test("stream lease: a late renewal counts if nothing was left undone meanwhile", async () => {
  const { lease, clock, renewals } = await takeLease();
  clock.advance(6_000);
  const renewed = lease.heartbeat();
  clock.advance(2_000);
  renewals[0].resolve(2);
  await renewed;
  assert.equal(lease.isLost, false);
});

test("stream lease: the key of another holder is not deleted", async () => {
  const { lease, renewals, removed } = await takeLease();
  const renewed = lease.heartbeat();
  renewals[0].reject(new EngineError("conflict", "Changed"));
  await renewed;
  assert.equal(lease.isLost, true);
  await lease.release();
  assert.deepEqual(removed, []);
});
