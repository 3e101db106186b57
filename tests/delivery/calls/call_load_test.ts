import assert from "node:assert/strict";
import { callKey } from "../../../src/delivery/calls/call_record.ts";
import { loadComplete } from "../../../src/delivery/calls/call_load.ts";
import { PendingCalls } from "../../../src/delivery/calls/pending_calls.ts";
import { BufferPool } from "../../../src/delivery/records/request_body.ts";
import { test } from "../../harness.ts";
import { end, start } from "../../support/delivery/delivery_fixture.ts";
import { batchOf, line } from "../../support/delivery/batches.ts";
import { MemoryClock } from "../../support/simulated_runtime/memory_clock.ts";

const LOG = `${line("call_start", start("whole"))}\n${line("call_end", end("whole"))}\n` +
  `${line("call_start", start("open"))}\n`;

const policy = (wait: boolean) => ({ wait, started: { has: () => false } });

test("call load: a start that waits for its end is in no request, with either API", async () => {
  const pending = new PendingCalls(new MemoryClock());
  const load = loadComplete(batchOf(LOG), pending, policy(true), new BufferPool());
  assert.equal(pending.count, 1);
  assert.deepEqual(load.sorted!.lone, []);
  const { calls } = await load.all();
  const keys = new Set(calls.map(callKey));
  assert.equal(calls.length, 2);
  assert.equal(keys.size, 1, "the start and the end of the whole call");
});

test("call load: a start that may not wait is sent separately", async () => {
  const pending = new PendingCalls(new MemoryClock());
  const load = loadComplete(batchOf(LOG), pending, policy(false), new BufferPool());
  assert.equal(pending.count, 0);
  assert.equal(load.sorted!.lone.length, 1);
  assert.equal((await load.all()).calls.length, 3);
});
