import assert from "node:assert/strict";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import { STALE_AFTER_MS } from "../../../src/wal/processes/failure_detector.ts";
import { test } from "../../harness.ts";
import { endsOf, interruptedOf, namesWith, remote } from "../../support/wal/calls_fixture.ts";
import { LogFixture } from "../../support/wal/log_fixture.ts";
import { LogWorld } from "../../support/wal/wal_fixture.ts";

const TIMES = '"trace_id":"t","started_at":"2026-01-01T00:00:00.000000Z"';
const START = `{"start":{"project_id":"team/project","id":"a",${TIMES},"op_name":"op",` +
  `"attributes":{},"inputs":{}}}`;
const END = `{"end":{"project_id":"team/project","id":"a",${TIMES},` +
  `"ended_at":"2026-01-01T00:00:09.000000Z","output":"whole","summary":{}}}`;

/** A writer on another host whose heartbeats are sent by the test. */
function suspendable(world: LogWorld): LogFixture {
  return new LogFixture(
    { sender: false, fsync: "never", closeInterrupted: true },
    remote(world),
  );
}

/** The ends of the call received by the server: `whole`, `cut off`, or both. */
function endOf(world: LogWorld): string {
  const found = new Set(
    endsOf(world).map(({ exception }) => exception === undefined ? "whole" : "cut off"),
  );
  return [...found].sort().join(" and ");
}

for (
  const [what, prepare] of [
    ["in a segment", () => {}],
    ["behind its last segment", (writer: LogFixture) => writer.log.rotate()],
  ] as const
) {
  test(
    `closeInterrupted: a writer that resumes anywhere in its recovery, ${what}, ends its call or finds it closed`,
    async () => {
      const seen = new Map<string, number>();
      for (let operations = 0;; operations++) {
        const world = new LogWorld();
        const writer = suspendable(world);
        writer.log.append("call_start", START);
        prepare(writer);
        if (what !== "in a segment") await world.recoverFor(5_000);
        await world.clock.elapse(100);
        let left = operations;
        let hasResumed = false;
        const resume = (): void => {
          hasResumed = true;
          writer.log.append("call_end", END);
        };
        const second = world.process();
        const from = world.clock.monotonic() + STALE_AFTER_MS - 500;
        second.fault = ({ path }) => {
          const isOfWriter = /project\/\d{20}_/.test(path) && world.clock.monotonic() > from;
          if (!hasResumed && isOfWriter && left-- === 0) resume();
          return undefined;
        };
        const pipeline = openPipeline(world.options(second));
        await world.clock.elapse(2 * STALE_AFTER_MS);
        const isOver = !hasResumed;
        if (isOver) resume();
        writer.presence.end(true);
        writer.log.close();
        await world.clock.elapse(STALE_AFTER_MS);
        const finished = pipeline.finish();
        await world.clock.elapse(5_000);
        await finished;
        const end = endOf(world);
        assert.ok(end === "whole" || end === "cut off", `${end} after ${operations} operations`);
        seen.set(end, (seen.get(end) ?? 0) + 1);
        if (isOver) break;
      }
      assert.ok(seen.get("whole")! > 3 && seen.get("cut off")! > 3, JSON.stringify([...seen]));
    },
    { timeout: 120_000 },
  );
}

test("closeInterrupted: a writer that resumes much later continues, without the ends of closed calls", async () => {
  const world = new LogWorld();
  const writer = suspendable(world);
  writer.log.append("call_start", START);
  await world.recoverFor(3 * STALE_AFTER_MS);
  assert.deepEqual(interruptedOf(world), ["a 0/1"]);
  await world.clock.elapse(12 * 3_600_000);
  writer.log.append("call_end", END);
  const other = START.replace('"id":"a"', '"id":"b"');
  writer.log.append("call_start", other);
  writer.log.append("call_end", END.replace('"id":"a"', '"id":"b"'));
  writer.presence.end(true);
  writer.log.close();
  await world.recover();
  assert.deepEqual(endsOf(world).map(({ id }) => id), ["a", "b"]);
  assert.deepEqual(namesWith(world, ".jsonl", ".open", ".closing"), []);
});
