import assert from "node:assert/strict";
import { GAP_MS, HoldTracker } from "../../../src/runtime/network/hold_tracker.ts";
import { test } from "../../harness.ts";

test("hold tracker: counts work in progress, each piece once", () => {
  const holds = new HoldTracker();
  const first = holds.begin(() => 0);
  const second = holds.begin(() => 5);
  assert.equal(holds.count, 2);
  first();
  first();
  assert.equal(holds.count, 1, "the end of one piece counts once");
  second();
  assert.equal(holds.count, 0);
});

test("hold tracker: work without a gap counts as one stretch", () => {
  const holds = new HoldTracker();
  let now = 100;
  holds.begin(() => now)();
  assert.equal(holds.since, 100);
  now += GAP_MS - 1;
  holds.begin(() => now)();
  assert.equal(holds.since, 100, "shorter than the gap");
  now += GAP_MS;
  holds.begin(() => now)();
  assert.equal(holds.since, now, "a gap starts a new stretch");
});

test("hold tracker: idle() waits for all work, and not without work", async () => {
  const holds = new HoldTracker();
  await holds.idle();
  const ends = [holds.begin(() => 0), holds.begin(() => 0)];
  let idle = 0;
  const waiting = [holds.idle(), holds.idle()].map((promise) => promise.then(() => idle++));
  ends[0]();
  await Promise.resolve();
  assert.equal(idle, 0);
  ends[1]();
  await Promise.all(waiting);
  assert.equal(idle, 2);
});

test("hold tracker: at the exit it reports how long work kept the program alive", () => {
  const holds = new HoldTracker();
  const end = holds.begin(() => 1_000);
  holds.exiting(1_300);
  assert.equal(holds.heldAtExitMs, 300, "in progress");
  let now = 1_400;
  const last = holds.begin(() => now);
  end();
  now = 1_500;
  last();
  holds.exiting(1_599);
  assert.equal(holds.heldAtExitMs, 599, "ended just before");
  holds.exiting(1_600);
  assert.equal(holds.heldAtExitMs, 0, "ended before the program was done");
});
