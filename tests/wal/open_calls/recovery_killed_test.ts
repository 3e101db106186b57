import assert from "node:assert/strict";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import { test } from "../../harness.ts";
import {
  CallWriter,
  endsOf,
  interruptedOf,
  namesWith,
  remote,
} from "../../support/wal/calls_fixture.ts";
import { LogWorld } from "../../support/wal/wal_fixture.ts";

/** A process killed in nested calls, one of them in a segment that is removed. */
async function killed(world: LogWorld, runtime = world.process()): Promise<void> {
  const writer = new CallWriter(world, { sender: true, segmentBytes: 600 }, runtime);
  writer.start("root");
  for (let n = 0; n < 4; n++) {
    writer.start(`n${n}`, "root");
    writer.end(`n${n}`);
  }
  await world.clock.elapse(5_000);
  writer.start("child", "root");
  writer.start("grandchild", "child");
  writer.runtime.kill();
}

test("closeInterrupted: a recovery killed at any point is repeated with the same bytes", async () => {
  let expected: string | undefined;
  let kills = 0;
  for (let operations = 0;; operations++) {
    const world = new LogWorld();
    await killed(world);
    const second = world.process();
    let left = operations;
    second.fault = () => {
      if (left-- === 0) second.kill();
      return undefined;
    };
    try {
      openPipeline(world.options(second));
      await world.clock.elapse(5_000);
    } catch {
      assert.ok(second.dead, "only a killed process throws");
    }
    const isKilled = second.dead;
    second.kill();
    // A partially written lease expires.
    await world.recoverFor(20_000);
    const ends = endsOf(world).filter(({ exception }) => exception !== undefined);
    const texts = [...new Set(ends.map((end) => JSON.stringify(end)))].sort().join("\n");
    expected ??= texts;
    assert.equal(texts, expected, `killed after ${operations} operations`);
    assert.equal(texts.split("\n").length, 3);
    assert.deepEqual(namesWith(world, ".open", ".closing", ".closed", ".jsonl"), []);
    assert.deepEqual(world.deadLetters(), []);
    if (!isKilled) break;
    kills++;
  }
  assert.ok(kills > 30, `${kills} kills`);
});

test("closeInterrupted: on another host a writer is dead when its heartbeats have stopped", async () => {
  const world = new LogWorld();
  await killed(world, remote(world));
  await world.recoverFor(30_000);
  assert.deepEqual(interruptedOf(world), ["grandchild 0/1", "child 0/2", "root 4/3"]);
  const kept = namesWith(world, ".closed");
  assert.equal(kept.length, 1, "it may have been suspended: it finds there which calls are closed");
  await world.clock.elapse(2 * 86_400_000);
  await world.recoverFor(30_000);
  assert.deepEqual(world.names(), [], "it is removed after a day");
});
