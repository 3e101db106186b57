import assert from "node:assert/strict";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import {
  ABANDONED_AFTER_MS,
  CONFIRM_AFTER_MS,
  FailureDetector,
  STALE_AFTER_MS,
} from "../../../src/wal/processes/failure_detector.ts";
import { test } from "../../harness.ts";

function world() {
  const runtime = new MemoryRuntime();
  runtime.files.createExclusive("/heartbeat", "");
  const watch = new FailureDetector(runtime.files, runtime.clock);
  return { runtime, watch, heartbeat: () => runtime.files.replace("/heartbeat", "") };
}

test("failure detector: time without a change counts from the first observation, by the observer's own clock", () => {
  const { runtime, watch } = world();
  runtime.time.advance(STALE_AFTER_MS * 3);
  assert.equal(watch.isStale("/heartbeat", undefined), false, "the first look starts the watch");
  runtime.time.advance(STALE_AFTER_MS - 1);
  assert.equal(watch.isStale("/heartbeat", undefined), false);
  runtime.time.advance(1);
  assert.equal(watch.isStale("/heartbeat", undefined), true);
});

test("failure detector: every heartbeat restarts the observation", () => {
  const { runtime, watch, heartbeat } = world();
  for (let round = 0; round < 10; round++) {
    assert.equal(watch.isStale("/heartbeat", undefined), false);
    runtime.time.advance(STALE_AFTER_MS - 1);
    heartbeat();
  }
});

test("failure detector: a heartbeat within one tick of the file system's clock is seen", () => {
  const { runtime, watch, heartbeat } = world();
  watch.isStale("/heartbeat", undefined);
  runtime.time.advance(STALE_AFTER_MS);
  runtime.time.jump(-STALE_AFTER_MS);
  heartbeat();
  assert.equal(runtime.files.stat("/heartbeat")!.modified, runtime.clock.now());
  assert.equal(watch.isStale("/heartbeat", undefined), false);
});

test("failure detector: wall clock jumps make no heartbeat stale or fresh", () => {
  const { runtime, watch } = world();
  watch.isStale("/heartbeat", undefined);
  runtime.time.jump(1e12);
  assert.equal(watch.isStale("/heartbeat", undefined), false);
  runtime.time.jump(-2e12);
  assert.equal(watch.isStale("/heartbeat", undefined), false);
  runtime.time.advance(STALE_AFTER_MS);
  assert.equal(watch.isStale("/heartbeat", undefined), true);
});

test("failure detector: a file that is old by its file system's clock needs a shorter observation", () => {
  const { runtime, watch } = world();
  const old = runtime.files.stat("/heartbeat")!.modified + ABANDONED_AFTER_MS + 1;
  assert.equal(
    watch.isStale("/heartbeat", old),
    false,
    "a machine that wakes up has only old files",
  );
  runtime.time.advance(CONFIRM_AFTER_MS - 1);
  assert.equal(watch.isStale("/heartbeat", old), false);
  runtime.time.advance(1);
  assert.equal(watch.isStale("/heartbeat", old - 1), false, "not old: the long watch");
  assert.equal(watch.isStale("/heartbeat", undefined), false, "of unknown age: the long watch");
  assert.equal(watch.isStale("/heartbeat", old), true);
});

test("failure detector: a heartbeat also ends the shorter observation", () => {
  const { runtime, watch, heartbeat } = world();
  const old = runtime.files.stat("/heartbeat")!.modified + ABANDONED_AFTER_MS + 1;
  watch.isStale("/heartbeat", old);
  runtime.time.advance(CONFIRM_AFTER_MS);
  heartbeat();
  assert.equal(watch.isStale("/heartbeat", old), false);
});

test("failure detector: a missing file is stale, and is observed again when it exists", () => {
  const { runtime, watch, heartbeat } = world();
  watch.isStale("/heartbeat", undefined);
  runtime.time.advance(STALE_AFTER_MS);
  runtime.files.remove("/heartbeat");
  assert.equal(watch.isStale("/heartbeat", undefined), true);
  heartbeat();
  assert.equal(watch.isStale("/heartbeat", undefined), false);
});

test("failure detector: a forgotten file is observed from the beginning", () => {
  const { runtime, watch } = world();
  watch.isStale("/heartbeat", undefined);
  runtime.time.advance(STALE_AFTER_MS);
  watch.forget("/heartbeat");
  assert.equal(watch.isStale("/heartbeat", undefined), false);
});
