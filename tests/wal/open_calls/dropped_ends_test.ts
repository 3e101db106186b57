/**
 * Interrupted calls of a simulated process, some of whose records a limit dropped.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { PipelineOptions } from "../../../src/client/pipeline/pipeline.ts";
import { test } from "../../harness.ts";
import { CallWriter, interruptedOf, namesWith } from "../../support/wal/calls_fixture.ts";
import { LogWorld } from "../../support/wal/wal_fixture.ts";

const DROPS: Partial<PipelineOptions> = {
  segmentBytes: 1_000,
  maxDiskBytes: 10_000,
  quotaPolicy: "drop-oldest",
};
const OBJECT = JSON.stringify({
  obj: { project_id: "team/project", object_id: "o", val: "x".repeat(300) },
});

for (
  const [who, own, other] of [
    ["its own sender", { ...DROPS, sender: true }, null],
    ["itself, without a sender", DROPS, null],
    ["another process", { segmentBytes: 1_000 }, { ...DROPS, sender: true }],
  ] as const
) {
  test(`closeInterrupted: a call whose end was dropped by ${who} is not closed, others are`, async () => {
    const world = new LogWorld();
    const writer = new CallWriter(world, own);
    writer.start("root");
    writer.start("child", "root");
    for (let n = 0; n < 3; n++) writer.pipeline.append("obj_create", OBJECT);
    await world.recoverFor(10_000);
    assert.equal(namesWith(world, ".jsonl").length, 1, "the segment with the starts is removed");

    world.server.refuse = () => ({ status: 401, body: {} });
    const dropping = other === null ? writer : new CallWriter(world, other);
    writer.end("child");
    for (let n = 0; n < 50; n++) {
      for (const one of new Set([writer, dropping])) one.pipeline.append("obj_create", OBJECT);
      await world.clock.elapse(200);
    }
    const { dropped } = await dropping.pipeline.stats();
    assert.ok(dropped["quota-oldest"] > 0);
    writer.runtime.kill();
    dropping.runtime.kill();

    world.server.refuse = () => null;
    await world.recoverFor(120_000);
    const ends = world.server.taken.filter(({ kind }) => kind === "call_end");
    assert.deepEqual(
      ends.map(({ value }) => value.id),
      ["root"],
      "the end of the child is dropped",
    );
    assert.deepEqual(interruptedOf(world), ["root 1/1"]);
    assert.deepEqual(world.names(), []);
  });
}

for (const limit of [{ maxDiskBytes: 10_000 }, { maxMemoryRecords: 2 }]) {
  test(`closeInterrupted: a call whose end was dropped as new is not closed, ${Object.keys(limit)}`, async () => {
    const world = new LogWorld();
    const writer = new CallWriter(world, limit);
    writer.start("a");
    const isFailing = "maxMemoryRecords" in limit;
    writer.runtime.fault = ({ kind }) =>
      isFailing && kind === "write" ? { code: "EIO" } : undefined;
    for (let n = 0; n < 50; n++) writer.pipeline.append("obj_create", OBJECT);
    writer.end("a");
    const { dropped } = await writer.pipeline.stats();
    assert.ok(dropped["quota-new"] + dropped["memory-full"] > 1);
    writer.runtime.fault = undefined;
    await world.clock.elapse(10_000);
    writer.runtime.kill();
    await world.recoverFor(120_000);
    assert.deepEqual(interruptedOf(world), []);
    assert.equal(world.server.taken.filter(({ kind }) => kind === "call_start").length, 1);
    assert.deepEqual(world.names(), []);
  });
}
