import assert from "node:assert/strict";
import type { Pipeline, WalStats } from "../../../src/client/pipeline/pipeline.ts";
import { test } from "../../harness.ts";
import { appendCalls, end, start, withDelivery } from "../../support/delivery/delivery_fixture.ts";

const COMPLETE = { useCallsComplete: true };

/** The server has stored them; its response may still be in flight. */
async function deliveredAtLeast(pipeline: Pipeline, count: number): Promise<WalStats> {
  for (;;) {
    const stats = await pipeline.stats();
    if (stats.delivered >= count) return stats;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

test("carry: a short call is sent complete, even if its start was read before its end", async () => {
  await withDelivery({}, async (fixture) => {
    const pipeline = fixture.open(COMPLETE);
    pipeline.append("call_start", start("slow"));
    appendCalls(pipeline, "a", 10);
    await fixture.mock.waitFor((store) => store.finishedCount("team/project") === 10);
    const waiting = await deliveredAtLeast(pipeline, 20);
    assert.equal(waiting.pendingRecords, 1, "the start waits, and is reported as pending");
    assert.equal(waiting.delivered, 20);
    assert.ok(waiting.pendingBytes > 100 && waiting.pendingBytes < 500);
    pipeline.append("call_end", end("slow"));
    const result = await pipeline.finish();
    assert.equal(result.delivered, 22);
    const { callCompletes, callStarts, callEnds, duplicateCompletes } = fixture.mock.store.counts;
    assert.deepEqual({ callCompletes, callStarts, callEnds, duplicateCompletes }, {
      callCompletes: 11,
      callStarts: 0,
      callEnds: 0,
      duplicateCompletes: 0,
    });
    assert.deepEqual(fixture.files(), []);
  });
});

test("carry: a long-running call is visible on the server before it ends", async () => {
  await withDelivery({}, async (fixture) => {
    const pipeline = fixture.open(COMPLETE);
    pipeline.append("call_start", start("long"));
    await fixture.mock.waitFor((store) => store.callCount("team/project") === 1);
    pipeline.append("call_end", end("long"));
    assert.equal((await pipeline.finish()).delivered, 2);
    const { callStarts, callEnds, orphanEnds } = fixture.mock.store.counts;
    assert.deepEqual({ callStarts, callEnds, orphanEnds }, {
      callStarts: 1,
      callEnds: 1,
      orphanEnds: 0,
    });
  });
});

test("carry: waiting starts are not acknowledged, and a process that exits at once loses nothing", async () => {
  await withDelivery({}, async (fixture) => {
    const first = fixture.open(COMPLETE);
    first.append("call_start", start("slow"));
    appendCalls(first, "a", 10);
    await fixture.mock.waitFor((store) => store.finishedCount("team/project") === 10);
    await deliveredAtLeast(first, 20);
    // An aborted signal ends the wait at once: the start is still in the log.
    const left = await first.finish({ signal: AbortSignal.abort() });
    assert.equal(left.done, false);
    assert.equal(left.pendingRecords, 1);
    const second = fixture.open(COMPLETE);
    assert.equal((await second.finish()).done, true);
    assert.equal(fixture.mock.store.callCount("team/project"), 11);
    assert.equal(fixture.mock.store.counts.conflicts, 0);
  });
});

test("carry: a deletion is sent after the waiting starts", async () => {
  await withDelivery({}, async (fixture) => {
    const pipeline = fixture.open(COMPLETE);
    pipeline.append("call_start", start("deleted"));
    appendCalls(pipeline, "a", 3);
    await fixture.mock.waitFor((store) => store.finishedCount("team/project") === 3);
    pipeline.append(
      "calls_delete",
      JSON.stringify({ project_id: "team/project", call_ids: ["deleted"] }),
    );
    assert.equal((await pipeline.finish()).done, true);
    const paths = fixture.mock.journal.entries.map(({ path }) =>
      path.split("/").slice(-2).join("/")
    ).filter((path) => path !== "/health");
    assert.deepEqual(paths, ["calls/complete", "call/start", "calls/delete"]);
  });
});

test("carry: waiting starts are sent to the v1 API if the server turns out to be old", async () => {
  await withDelivery({}, async (fixture) => {
    const pipeline = fixture.open(COMPLETE);
    pipeline.append("call_start", start("slow"));
    appendCalls(pipeline, "a", 3);
    await fixture.mock.waitFor((store) => store.finishedCount("team/project") === 3);
    fixture.mock.store.clear();
    fixture.mock.configure({ callMode: "old" });
    appendCalls(pipeline, "b", 3);
    pipeline.append("call_end", end("slow"));
    const result = await pipeline.finish();
    assert.equal(result.deadLettered, 0);
    assert.equal(fixture.mock.store.finishedCount("team/project"), 4);
  });
});

test("carry: only the faulty half of a rejected pair is dead-lettered", async () => {
  await withDelivery({}, async (fixture) => {
    fixture.mock.faults.add({ bodyHas: "poison", status: 422 });
    const pipeline = fixture.open(COMPLETE);
    appendCalls(pipeline, "a", 3);
    pipeline.append("call_start", start("b"));
    pipeline.append("call_end", end("b", "poison"));
    const result = await pipeline.finish();
    assert.equal(result.deadLettered, 1);
    assert.equal(fixture.deadLetters()[0].type, "call_end");
    assert.equal(fixture.mock.store.callCount("team/project"), 4);
  });
});
