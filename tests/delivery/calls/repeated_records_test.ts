/**
 * Logs with repeated records of a call, as written for callers that retried without
 * having received a response.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { RecordType } from "../../../src/protocol/record_types.ts";
import { test } from "../../harness.ts";
import { end, start, withDelivery } from "../../support/delivery/delivery_fixture.ts";

const COMPLETE = { useCallsComplete: true };
const PROJECT = "team/project";

type Write = readonly [RecordType, string];
const S: Write = ["call_start", start("twice")];
const E: Write = ["call_end", end("twice")];
const OTHER_END: Write = ["call_end", end("twice", "other")];

interface Sent {
  readonly completes: number;
  readonly starts: number;
  readonly ends: number;
}

const CASES: readonly (readonly [string, readonly Write[], Sent])[] = [
  ["a start twice", [S, S, E], { completes: 1, starts: 0, ends: 0 }],
  ["an end twice", [S, E, E], { completes: 1, starts: 0, ends: 0 }],
  ["all of it twice", [S, E, S, E], { completes: 1, starts: 0, ends: 0 }],
  ["a start again behind the end", [S, E, S], { completes: 1, starts: 0, ends: 0 }],
  ["the end in front of the start", [E, S], { completes: 1, starts: 0, ends: 0 }],
  ["two ends that differ", [S, E, OTHER_END], { completes: 0, starts: 1, ends: 2 }],
];

for (const [title, writes, sent] of CASES) {
  test(`repeated records: ${title}: the call is whole, and no end goes beside its start`, async () => {
    await withDelivery({}, async (fixture) => {
      const { mock: { store } } = fixture;
      const pipeline = fixture.open(COMPLETE);
      for (const [type, request] of writes) pipeline.append(type, request);
      const result = await pipeline.finish();
      assert.equal(result.delivered, writes.length);
      assert.equal(result.deadLettered, 0);
      const { callCompletes: completes, callStarts: starts, callEnds: ends } = store.counts;
      assert.deepEqual({ completes, starts, ends }, sent);
      assert.equal(store.counts.orphanEnds, 0);
      assert.equal(store.finishedCount(PROJECT), 1);
    });
  });
}

test("repeated records: a start that waits, and comes again with its end, is sent once", async () => {
  await withDelivery({}, async (fixture) => {
    const { mock: { store } } = fixture;
    const pipeline = fixture.open(COMPLETE);
    pipeline.append(...S);
    // Sent separately when it is due; acknowledgments after it show that it was read.
    pipeline.append("call_start", start("other"));
    pipeline.append("call_end", end("other"));
    await fixture.mock.waitFor(() => store.finishedCount(PROJECT) === 1);
    pipeline.append(...S);
    pipeline.append(...E);
    assert.equal((await pipeline.finish()).delivered, 5);
    const { callCompletes, callStarts, callEnds } = store.counts;
    assert.deepEqual({ callCompletes, callStarts, callEnds }, {
      callCompletes: 2,
      callStarts: 0,
      callEnds: 0,
    });
    assert.equal(store.finishedCount(PROJECT), 2);
  });
});
