import assert from "node:assert/strict";
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { DISK_RETRY_MS } from "../../../src/wal/log/failover_log.ts";
import { HEARTBEAT_MS } from "../../../src/wal/processes/failure_detector.ts";
import { test } from "../../harness.ts";
import { LogWorld, PROJECT } from "../../support/wal/wal_fixture.ts";
import {
  appendCalls,
  type DeliveryFixture,
  start,
  withDelivery,
} from "../../support/delivery/delivery_fixture.ts";

const PATIENT = { timeout: HEARTBEAT_MS * 15 };

const projectOf = ({ walDir }: DeliveryFixture): string => join(walDir, "team", "project");

/** The host's runtime with a monotonic clock that can be set forward. */
function skippingRuntime() {
  const { name, files, process, clock } = detectRuntime();
  let skipped = 0;
  const monotonic = () => clock.monotonic() + skipped;
  const skip = (ms: number) => void (skipped += ms);
  return { runtime: { name, files, process, clock: { ...clock, monotonic } }, skip };
}

for (const sender of [true, false]) {
  const who = sender ? "with a sender" : "without one";
  test(`replaced: another file in place of the log loses no record, ${who}`, async () => {
    await withDelivery({ callMode: "old" }, async (fixture) => {
      await fixture.mock.stop();
      const pipeline = fixture.open({ sender });
      appendCalls(pipeline, "a", 5);
      const project = projectOf(fixture);
      const log = join(project, readdirSync(project).find((name) => name.endsWith(".jsonl"))!);
      // As an editor saves it: a changed copy under the old name.
      copyFileSync(log, `${log}.copy`);
      const line = JSON.stringify({ type: "call_start", req: JSON.parse(start("edited")) });
      writeFileSync(`${log}.copy`, `${readFileSync(log, "utf8")}${line}\n`);
      renameSync(`${log}.copy`, log);
      appendCalls(pipeline, "b", 5);
      await fixture.event("log-removed");
      appendCalls(pipeline, "c", 5);
      await fixture.mock.restart();
      const { done } = await pipeline.finish();
      assert.equal(done, sender);
      const { store } = fixture.mock;
      if (sender) {
        // The present file has no owner, and is left to a later process.
        assert.equal(readFileSync(log, "utf8").split("\n").length, 12);
      } else {
        await fixture.open().finish();
        assert.ok(store.calls("team/project").some(({ id }) => id === "edited"));
        assert.deepEqual(fixture.files().filter((name) => name.endsWith(".jsonl")), []);
      }
      assert.equal(store.finishedCount("team/project"), 15);
      assert.equal(store.counts.conflicts, 0);
      assert.deepEqual(fixture.deadLetters(), []);
    });
  }, PATIENT);
}

test("replaced: a file put in place of a log is sent when its writer is dead", async () => {
  const world = new LogWorld();
  const runtime = world.process();
  const pipeline = openPipeline(world.options(runtime));
  pipeline.append("call_start", start("a"));
  const name = world.names().find((name) => name.endsWith(".jsonl"))!;
  const editor = world.process();
  const line = JSON.stringify({ type: "call_start", req: JSON.parse(start("edited")) });
  editor.files.createExclusive(`${PROJECT}/copy`, `${line}\n`);
  editor.files.rename(`${PROJECT}/copy`, `${PROJECT}/${name}`);
  await world.clock.elapse(HEARTBEAT_MS * 2);
  pipeline.append("call_start", start("b"));
  const finishing = pipeline.finish();
  await world.clock.elapse(HEARTBEAT_MS);
  assert.equal((await finishing).done, true);
  assert.deepEqual(world.server.taken.map(({ value }) => value.id), ["a", "b"]);
  runtime.exit();
  await world.recoverFor(15_000);
  assert.deepEqual(world.server.taken.map(({ value }) => value.id), ["a", "b", "edited"]);
  assert.deepEqual(world.names().filter((name) => !name.endsWith(".fence")), []);
});

test("replaced: a link in place of the directory of a program is not followed", async () => {
  await withDelivery({ callMode: "old" }, async (fixture) => {
    await fixture.mock.stop();
    const { runtime, skip } = skippingRuntime();
    const pipeline = fixture.open({ runtime });
    appendCalls(pipeline, "a", 5);
    const project = projectOf(fixture);
    const [aside, elsewhere] = ["aside", "elsewhere"].map((name) => join(fixture.directory, name));
    mkdirSync(elsewhere);
    renameSync(project, aside);
    symlinkSync(elsewhere, project);
    await fixture.event("log-removed");
    appendCalls(pipeline, "b", 5);
    assert.match((await fixture.event("disk-failed")).message, /symlink/);
    assert.equal((await pipeline.stats()).log, "memory");
    assert.deepEqual(readdirSync(elsewhere), [], "nothing was written through the link");
    rmSync(project);
    skip(DISK_RETRY_MS);
    appendCalls(pipeline, "c", 5);
    assert.equal((await pipeline.stats()).log, "file");
    await fixture.mock.restart();
    assert.equal((await pipeline.finish()).done, true);
    assert.equal(fixture.mock.store.finishedCount("team/project"), 15);
    assert.equal(fixture.events.filter(({ name }) => name === "disk-failed").length, 1);
    assert.deepEqual(readdirSync(elsewhere), []);
  });
}, PATIENT);
