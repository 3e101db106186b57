import assert from "node:assert/strict";
import {
  CountBudget,
  type CountLimits,
  PendingCount,
} from "../../../src/wal/segment/pending_count.ts";
import { test } from "../../harness.ts";

const LINE = `${"x".repeat(99)}\n`;
const MB = 1024 * 1024;

/** An endless sequence of 100-byte lines that counts the bytes read. */
function endlessLines() {
  const line = new TextEncoder().encode(LINE);
  const source = {
    read: 0,
    opened: 0,
    open: () => {
      source.opened++;
      return {
        read: (offset: number, into: Uint8Array) => {
          for (let at = 0; at < into.length; at++) into[at] = line[(offset + at) % line.length];
          source.read += into.length;
          return Promise.resolve(into.length);
        },
      };
    },
  };
  return source;
}

function budget(limits: Partial<CountLimits> = {}) {
  return new CountBudget({ exactBytes: MB, sampledBytes: MB, segments: 100, ...limits });
}

test("pending count: segments within the budget are counted exactly, the rest is estimated from samples", async () => {
  const source = endlessLines();
  const small = await new PendingCount().count(0, 5_000, budget(), source.open);
  assert.deepEqual([small.records, small.isEstimate, source.read], [50, false, 5_000]);
  const large = await new PendingCount().count(300, 300 + 10_000 * MB, budget(), source.open);
  assert.ok(large.isEstimate);
  const share = large.records / (10_000 * MB / 100);
  assert.ok(share > 0.98 && share < 1.02, `${share}`);
  assert.ok(source.read - 5_000 <= 256 * 1024, `${source.read} bytes`);
});

test("pending count: a segment is not read again, exact or not; a growing one only in its new part", async () => {
  for (const [to, isEstimate] of [[5_000, false], [100 * MB, true]] as const) {
    const source = endlessLines();
    const count = new PendingCount();
    const first = await count.count(0, to, budget(), source.open);
    const { read } = source;
    assert.deepEqual(await count.count(0, to, budget(), source.open), first);
    assert.deepEqual([source.read, first.isEstimate], [read, isEstimate]);
  }
  const source = endlessLines();
  const count = new PendingCount();
  await count.count(0, 5_000, budget(), source.open);
  const later = await count.count(1_000, 5_500, budget(), source.open);
  assert.deepEqual([later.records, source.read], [45, 5_000 + 501 + 1_000]);
  const back = await count.count(0, 4_000, budget(), source.open);
  assert.deepEqual([back.records, back.isEstimate], [40, false], "sent again from the start, cut");
});

test("pending count: a query reads a bounded amount, however many segments and records are pending", async () => {
  for (const [segments, bytes] of [[80, 64 * MB], [800, 64 * MB], [8_000, 1_000]] as const) {
    const source = endlessLines();
    const own = budget({ segments: 1_000 });
    let records = 0;
    let estimates = 0;
    for (let n = 0; n < segments; n++) {
      const count = await new PendingCount().count(0, bytes, own, source.open);
      records += count.records;
      estimates += count.isEstimate ? 1 : 0;
    }
    assert.ok(source.read <= 2 * MB, `${source.read} bytes of ${segments} segments`);
    assert.ok(source.opened <= 1_000, `${source.opened} of ${segments} segments opened`);
    assert.ok(estimates > 0);
    const share = records / (segments * bytes / 100);
    assert.ok(share > 0.95 && share < 1.05, `${share} of ${segments} segments`);
  }
});

test("pending count: without a budget the count is an estimate, neither zero nor exact", async () => {
  const none = budget({ exactBytes: 0, sampledBytes: 0 });
  const source = endlessLines();
  const { records, isEstimate } = await new PendingCount().count(7, 8, none, source.open);
  assert.deepEqual([records, isEstimate, source.opened], [1, true, 0]);
  const nothing = await new PendingCount().count(8, 8, none, source.open);
  assert.deepEqual(nothing, { records: 0, bytes: 0, isEstimate: false });
});

test("pending count: a failed read is not cached", async () => {
  const source = endlessLines();
  const count = new PendingCount();
  const failing = () => ({ read: () => Promise.reject(new Error("EIO")) });
  await assert.rejects(count.count(0, 500, budget(), failing), /EIO/);
  assert.equal((await count.count(0, 500, budget(), source.open)).records, 5);
});
