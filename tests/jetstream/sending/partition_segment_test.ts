import assert from "node:assert/strict";
import { WeaveWalError } from "../../../src/errors.ts";
import { EngineError } from "../../../src/jetstream/engine.ts";
import { PartitionSegment } from "../../../src/jetstream/sending/partition_segment.ts";
import { test } from "../../harness.ts";
import { MemoryClock } from "../../support/simulated_runtime/memory_clock.ts";

/** A segment with ten messages of one byte each. */
function openSegment(remove: (position: number) => Promise<void>, assertHeld = () => {}) {
  const clock = new MemoryClock();
  const keep = () => Promise.resolve();
  const segment = new PartitionSegment({ name: "p", clock, assertHeld, remove, keep, onRoom() {} });
  segment.push(Array.from({ length: 10 }, (_, i) => ({
    subject: "a",
    seq: i + 1,
    time: 0,
    payload: new Uint8Array(1),
  })));
  return { segment, clock };
}

test("partition segment: messages are removed in order, and only a failed removal is repeated", async () => {
  const asked: number[] = [];
  const { segment, clock } = openSegment((position) => {
    asked.push(position);
    if (asked.length !== 3) return Promise.resolve();
    queueMicrotask(() => setTimeout(() => clock.runNext()));
    return Promise.reject(new EngineError("away", "No response"));
  });
  segment.acknowledge(4);
  segment.acknowledge(6);
  await segment.settled();
  assert.deepEqual(asked, [1, 2, 3, 3, 4, 5, 6]);
});

test("partition segment: nothing is removed once the lease is lost", async () => {
  const asked: number[] = [];
  const { segment } = openSegment((position) => Promise.resolve(void asked.push(position)), () => {
    if (asked.length === 2) throw new WeaveWalError("ERR_LEASE_LOST", "Lost");
  });
  segment.acknowledge(6);
  await segment.settled();
  assert.deepEqual(asked, [1, 2]);
});
