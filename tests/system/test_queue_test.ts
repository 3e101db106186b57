import assert from "node:assert/strict";
import { runQueue } from "../../scripts/test/queue.ts";
import { test } from "../harness.ts";

/** Jobs that end when the test says so, in the order of their start. */
function scene(count: number) {
  const started: number[] = [];
  const ends: (() => void)[] = [];
  const jobs = Array.from({ length: count }, (_, index) => () => {
    started.push(index);
    return new Promise<void>((resolve) => ends.push(resolve));
  });
  const end = async (index: number) => {
    ends[index]();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { jobs, started, end };
}

test("queue: jobs start in order, and as many run as may", async () => {
  const { jobs, started, end } = scene(4);
  const all = runQueue(jobs, { least: 2, most: 2 });
  assert.deepEqual(started, [0, 1]);
  await end(1);
  assert.deepEqual(started, [0, 1, 2]);
  await end(0);
  assert.deepEqual(started, [0, 1, 2, 3]);
  await end(2);
  await end(3);
  await all;
});

test("queue: while cores are idle, further jobs start", async () => {
  const { jobs, started, end } = scene(3);
  const third = jobs[2];
  const isStarted = new Promise<void>((resolve) => {
    jobs[2] = () => {
      resolve();
      return third();
    };
  });
  const all = runQueue(jobs, { least: 1, most: 3 }, { idle: () => 1 });
  assert.deepEqual(started, [0]);
  await isStarted;
  assert.deepEqual(started, [0, 1, 2]);
  for (const index of [0, 1, 2]) await end(index);
  await all;
});

test("queue: while no core is idle, one that ends is not replaced beyond the least", async () => {
  const { jobs, started, end } = scene(4);
  const idle = [1, 0, 0];
  const isBusy = new Promise<void>((resolve) => {
    const look = () => {
      if (idle.length === 1) setImmediate(resolve);
      return idle.shift() ?? 0;
    };
    void runQueue(jobs, { least: 1, most: 3 }, { idle: look });
  });
  await isBusy;
  assert.deepEqual(started, [0, 1]);
  await end(0);
  assert.deepEqual(started, [0, 1]);
  for (const index of [1, 2, 3]) await end(index);
  assert.deepEqual(started, [0, 1, 2, 3]);
});

test("queue: it fails with the error of a job", async () => {
  await assert.rejects(
    runQueue([() => Promise.reject(new Error("broken"))], { least: 1, most: 1 }),
    /^Error: broken$/,
  );
  await runQueue([], { least: 1, most: 1 });
});
