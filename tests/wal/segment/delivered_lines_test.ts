import assert from "node:assert/strict";
import {
  linesOutside,
  readDeliveredLines,
  SettledLines,
  writeDeliveredLines,
} from "../../../src/wal/segment/delivered_lines.ts";
import { test } from "../../harness.ts";
import { LogWorld } from "../../support/wal/wal_fixture.ts";

test("delivered lines: the parts of a range without single lines, in any order", () => {
  const without = (from: number, to: number, left: readonly number[]) =>
    linesOutside(from, to, new SettledLines(left).ranges);
  assert.deepEqual(without(0, 100, []), [{ from: 0, to: 100 }]);
  assert.deepEqual(without(100, 100, []), []);
  assert.deepEqual(without(10, 100, [70, 10, 40]), [
    { from: 11, to: 40 },
    { from: 41, to: 70 },
    { from: 71, to: 100 },
  ]);
  assert.deepEqual(without(10, 50, [10, 80, 90]), [{ from: 11, to: 50 }]);
});

test("delivered lines: the parts of a range that are outside of others", () => {
  const ranges = [{ from: 10, to: 20 }, { from: 21, to: 30 }, { from: 50, to: 60 }];
  assert.deepEqual(linesOutside(0, 100, []), [{ from: 0, to: 100 }]);
  assert.deepEqual(linesOutside(0, 100, ranges), [
    { from: 0, to: 10 },
    { from: 20, to: 21 },
    { from: 30, to: 50 },
    { from: 60, to: 100 },
  ]);
  assert.deepEqual(linesOutside(15, 25, ranges), [{ from: 20, to: 21 }]);
  assert.deepEqual(linesOutside(10, 20, ranges), []);
  assert.deepEqual(linesOutside(70, 70, ranges), []);
});

test("delivered lines: a set has the lines that begin in a range, and single ones", () => {
  const set = new SettledLines(new Set([3]), [
    { from: 50, to: 60 },
    { from: 10, to: 20 },
    { from: 15, to: 30 },
  ]);
  const has = [3, 9, 10, 29, 30, 49, 50, 59, 60].filter((offset) => set.has(offset));
  assert.deepEqual(has, [3, 10, 29, 50, 59]);
  assert.equal(set.size, 3);
  assert.equal(new SettledLines(new Set(), []).size, 0);
});

test("delivered lines: a file has the ranges after the checkpoint, and other lines are ignored", () => {
  const runtime = new LogWorld().process();
  const { files } = runtime;
  files.makeDirectory("/log");
  const path = "/log/stem.delivered";
  assert.deepEqual(readDeliveredLines(files, path), []);
  writeDeliveredLines(files, path, [
    { from: 40, to: 41 },
    { from: 5, to: 20 },
    { from: 20, to: 30 },
    { from: 0, to: 4 },
  ], 4);
  assert.equal(files.readText(path), "5-30\n40-41\n");
  files.replace(path, "5-30\nx\n-1-4\n7\n90-80\n40-41");
  assert.deepEqual(readDeliveredLines(files, path), [{ from: 5, to: 30 }, { from: 40, to: 41 }]);
  runtime.exit();
});
