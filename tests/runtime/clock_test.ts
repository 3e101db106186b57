import assert from "node:assert/strict";
import { systemClock, wallClock } from "../../src/runtime/clock.ts";
import { test } from "../harness.ts";

test("the wall clock agrees with Date.now() to the ms", () => {
  for (let round = 0; round < 2_000; round++) {
    const before = Date.now();
    const now = systemClock.now();
    assert.ok(now >= before && Math.floor(now) <= Date.now(), `${before} ${now}`);
  }
});

test("the wall clock combines the ms of one clock with the fraction of another", () => {
  let date = 1_000;
  let ticks = 50;
  const now = wallClock(() => date, () => ticks);
  assert.equal(now(), 1_000);
  ticks += 0.25;
  assert.equal(now(), 1_000.25);
  ticks += 0.5;
  assert.equal(now(), 1_000.75);
  date += 1;
  ticks += 0.5;
  assert.equal(now(), 1_001.25);
});

test("the wall clock follows clock changes at once, in both directions, and keeps its fractions", () => {
  let date = 1_000;
  let ticks = 50;
  const now = wallClock(() => date, () => ticks);
  date = 90_000;
  ticks += 0.25;
  assert.equal(now(), 90_000);
  ticks += 0.25;
  assert.equal(now(), 90_000.25);
  date = 500;
  assert.equal(Math.floor(now()), 500);
  // The fraction starts at the end of a ms, so that the next ms aligns it.
  date = 501;
  ticks += 0.5;
  const before = now();
  ticks += 0.25;
  assert.equal(now(), before + 0.25);
});

test("the monotonic clock does not go back", () => {
  let last = systemClock.monotonic();
  for (let round = 0; round < 1_000; round++) {
    const now = systemClock.monotonic();
    assert.ok(now >= last);
    last = now;
  }
});

test("timers fire in order, and not after cancellation", async () => {
  const fired: string[] = [];
  await new Promise<void>((resolve) => {
    systemClock.after(30, resolve, { ref: true });
    systemClock.after(15, () => fired.push("second"), { ref: true });
    systemClock.after(1, () => fired.push("first"), { ref: true });
    systemClock.after(1, () => fired.push("never")).cancel();
  });
  assert.deepEqual(fired, ["first", "second"]);
});

test("a delay above the runtime's limit does not fire at once", async () => {
  let fired = false;
  const long = systemClock.after(2 ** 40, () => fired = true);
  await new Promise<void>((resolve) => void systemClock.after(20, resolve, { ref: true }));
  long.cancel();
  assert.equal(fired, false);
});
