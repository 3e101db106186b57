import assert from "node:assert/strict";
import {
  partitionInSlices,
  shareTurns,
  Slices,
  sortInSlices,
  visitInSlices,
} from "../../src/runtime/event_loop.ts";
import type { Clock } from "../../src/runtime/runtime.ts";
import { withoutPythons } from "../../src/wal/processes/python_writer.ts";
import { test } from "../harness.ts";
import { costlyClock } from "../support/costly_clock.ts";
import { MemoryClock } from "../support/simulated_runtime/memory_clock.ts";

/** Handles `count` items that take a millisecond each. */
async function work(clock: Clock, count: number, spend: (ms: number) => void): Promise<void> {
  const slices = new Slices(clock);
  for (let n = 0; n < count; n++) {
    if (slices.isOver) await slices.next();
    spend(1);
  }
}

test("slices: whatever several tasks do in one turn of the event loop takes one slice", async () => {
  const { clock, spend, longest } = costlyClock();
  await Promise.all([10, 40, 3, 3, 25].map((count) => work(clock, count, spend)));
  assert.ok(longest() >= 5 && longest() <= 6, `${longest()} ms`);
});

test("slices: the steps of one task that follow each other take one slice a turn", async () => {
  const { clock, spend, longest } = costlyClock();
  for (let step = 0; step < 20; step++) await work(clock, 4, spend);
  assert.ok(longest() >= 5 && longest() <= 6, `${longest()} ms`);
});

test("slices: clocks that share their turns share their slices", async () => {
  const { clock, spend, longest } = costlyClock();
  const others = [{ ...clock }, { ...clock }];
  for (const other of others) shareTurns(other, clock);
  await Promise.all([clock, ...others].map((each) => work(each, 20, spend)));
  assert.ok(longest() >= 5 && longest() <= 6, `${longest()} ms`);
});

test("slices: tasks get their turns in the order in which they ask", async () => {
  const { clock, spend } = costlyClock();
  const order: string[] = [];
  await Promise.all(["a", "b", "c"].map(async (name) => {
    const slices = new Slices(clock);
    for (let n = 0; n < 3; n++) {
      spend(9);
      await slices.next();
      order.push(name);
    }
  }));
  assert.equal(order.join(""), "abcabcabc");
});

test("slices: a clock that cannot tell when the event loop has turned gives each task its own", async () => {
  const clock = new MemoryClock();
  const slices = new Slices(clock);
  clock.advance(4);
  assert.equal(slices.isOver, false);
  clock.advance(1);
  assert.equal(slices.isOver, true);
  assert.equal(new Slices(clock).isOver, false);
  let went = false;
  const next = slices.next().then(() => went = true);
  await Promise.resolve();
  assert.equal(went, false);
  clock.advance(0);
  await next;
  assert.equal(slices.isOver, false);
});

test("lists: going through one, splitting it and sorting it takes slices", async () => {
  const { clock, spend, longest } = costlyClock();
  const items = Array.from({ length: 20_000 }, (_, n) => (n * 7_919) % 20_000);
  const costly = <Value>(value: Value): Value => {
    spend(0.003);
    return value;
  };
  let sum = 0;
  await visitInSlices(items, (item) => void (sum += costly(item)), clock);
  assert.equal(sum, 199_990_000);
  const [even, odd] = await partitionInSlices(items, (item) => costly(item % 2 === 0), clock);
  assert.deepEqual([even.length, odd.length], [10_000, 10_000]);
  assert.ok(longest() <= 6, `${longest()} ms`);
  const sorted = await sortInSlices(items, (a, b) => costly(a - b), clock);
  assert.deepEqual(sorted, items.toSorted((a, b) => a - b));
  // A thousand items are sorted at once.
  assert.ok(longest() <= 5 + 1_024 * 10 * 0.003, `${longest()} ms`);
});

test("lists: the segments of Python's processes are separated from others in slices", async () => {
  const { clock, spend, longest } = costlyClock();
  const segments = Array.from({ length: 5_000 }, (_, n) => ({
    directory: "",
    stem: `${n}`,
    get writer(): string {
      spend(0.01);
      return n % 2 === 0 ? "0".repeat(32) : `${"0".repeat(12)}8${"0".repeat(19)}`;
    },
    suffixes: new Set([".jsonl"]),
  }));
  const all = await withoutPythons(segments, segments, false, clock);
  assert.deepEqual([all.final.length, all.open.length], [5_000, 2_500]);
  const ours = await withoutPythons(segments, segments, true, clock);
  assert.deepEqual([ours.final.length, ours.open.length], [2_500, 2_500]);
  assert.ok(longest() >= 5 && longest() <= 6, `${longest()} ms`);
});
