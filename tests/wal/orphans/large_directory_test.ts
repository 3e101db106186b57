import assert from "node:assert/strict";
import { interruptedWriters } from "../../../src/wal/open_calls/interrupted_writers.ts";
import { OrphanScanner } from "../../../src/wal/orphans/orphan_scanner.ts";
import { readProcesses } from "../../../src/wal/processes/process_status.ts";
import {
  inspectSegments,
  listSegments,
  ProcessCache,
} from "../../../src/wal/orphans/segment_status.ts";
import { DiskQuota } from "../../../src/wal/quota/disk_quota.ts";
import { CountBudget } from "../../../src/wal/segment/pending_count.ts";
import { WaitingCounter } from "../../../src/wal/segment/waiting_counter.ts";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import { DirectoryDeadLetters } from "../../../src/cli/dead_letters/directory_source.ts";
import { StatusReporter } from "../../../src/cli/status/state/directory_status.ts";
import { countOperations } from "../../support/count_operations.ts";
import { OPERATIONS_PER_TURN, withLongestSlice } from "../../support/longest_slice.ts";
import { LogWorld, PROJECT, SERVER, WAL } from "../../support/wal/wal_fixture.ts";
import { presenceOf, putSegment, tokenOf } from "../../support/wal/writer_fixture.ts";
import { test } from "../../harness.ts";

const LINE = `${
  JSON.stringify({
    type: "obj_create",
    req: { obj: { project_id: "team/project", object_id: "o", val: {} } },
  })
}\n`;
const SEGMENTS = 2_500;

/** The presence files and segments of processes that were killed. */
function crowdedWorld(
  suffixes: Readonly<Record<string, string>>,
  segments: number = SEGMENTS,
): LogWorld {
  const world = new LogWorld();
  const dead = world.process();
  for (let n = 0; n < segments; n++) {
    presenceOf(dead, tokenOf(n)).ensure();
    putSegment(world, tokenOf(n), suffixes, BigInt(n + 1) * 1_000n);
  }
  dead.kill();
  return world;
}

function assertSliced(longest: number, what: string): void {
  assert.ok(longest > 0 && longest <= OPERATIONS_PER_TURN, `${what}: ${longest} operations`);
}

test("a program with thousands of segments beside its own works in slices", async () => {
  const world = crowdedWorld({ ".jsonl": LINE, ".open": "{}" });
  const { runtime, longest, operations } = withLongestSlice(world.process());
  const token = tokenOf(SEGMENTS + 1);
  const scanner = new OrphanScanner({ runtime, root: WAL, server: SERVER, token });
  const { final } = await scanner.scan(PROJECT, false);
  assert.equal(final.length, SEGMENTS);
  assertSliced(longest(), "a scan");
  const counter = new WaitingCounter(runtime);
  const waiting = await counter.count(final, new CountBudget());
  assert.equal(waiting.records, SEGMENTS);
  assertSliced(longest(), "statistics");
  const before = operations();
  const again = await counter.count(final.slice(), new CountBudget());
  assert.deepEqual(again, { ...waiting, isEstimate: true });
  assert.equal(operations(), before, "a count that took long is used again");
  const { final: later } = await scanner.scan(PROJECT, false);
  const recounted = await counter.count(later, new CountBudget());
  assert.deepEqual(recounted, waiting, "a new scan is counted");
  longest();
  const quota = new DiskQuota({ ...runtime, directory: PROJECT, maxBytes: 1e9 });
  await quota.recount();
  assert.ok(quota.used > SEGMENTS * LINE.length);
  assertSliced(longest(), "the quota");
});

/** A dead letter file with one entry. */
function deadLetter(reason: string): string {
  const error = { reason, status: 422, message: "no", at: "2026-01-01T00:00:00Z" };
  return `${JSON.stringify({ type: "obj_create", req: {}, error })}\n`;
}

test("a program with thousands of dead letter files beside its own works in slices", async () => {
  const world = crowdedWorld({ ".deadletter": deadLetter("torn") });
  const own = world.process();
  const { runtime, longest } = withLongestSlice(own);
  const pipeline = openPipeline({ ...world.options(own), runtime });
  pipeline.append("call_end", "{}");
  await pipeline.stats();
  assertSliced(longest(), "statistics");
  const { delivered, refused } = await pipeline.retryDeadLetters();
  assert.deepEqual([delivered, refused], [0, 0]);
  assertSliced(longest(), "a retry");
  const source = new DirectoryDeadLetters(runtime, WAL, undefined);
  let found = 0;
  for await (const { entry } of source.all()) if (entry.error.reason === "torn") found++;
  assert.equal(found, SEGMENTS);
  assertSliced(longest(), "a list");
  own.exit();
});

test("a report on thousands of segments is made in slices", async () => {
  const world = crowdedWorld({ ".jsonl": LINE, ".open": "{}", ".checkpoint": "0" });
  const { runtime, longest } = withLongestSlice(world.process());
  const processes = await readProcesses(runtime, WAL);
  assert.equal(processes.length, SEGMENTS);
  assertSliced(longest(), "processes");
  const cache = new ProcessCache();
  const stems = await listSegments(runtime, PROJECT);
  assert.equal((await inspectSegments(runtime, stems, cache)).length, SEGMENTS);
  assertSliced(longest(), "segments");
  assert.equal((await interruptedWriters(runtime, stems, new ProcessCache())).length, SEGMENTS);
  assertSliced(longest(), "interrupted writers");
  const { projects: [project] } = await new StatusReporter(runtime, WAL, { server: SERVER })
    .report();
  assert.equal(project.pendingRecords, SEGMENTS);
  assertSliced(longest(), "a report");
});

test("a report on thousands of dead letter files is made in slices, and adds up their reasons", async () => {
  const world = crowdedWorld({ ".deadletter": deadLetter("refused") });
  const { runtime, longest } = withLongestSlice(world.process());
  const { projects: [project], processes } = await new StatusReporter(runtime, WAL, {}).report();
  assert.deepEqual(project.deadLetters.byReason, { refused: SEGMENTS });
  assert.equal(project.segments.length, 0);
  assert.deepEqual(processes, [], "processes that have ended and lost nothing are left out");
  assertSliced(longest(), "a report");
});

test("a report opens and reads each file once, and reads it again only if it changed", async () => {
  const segments = 200;
  for (const [suffix, text] of [[".deadletter", deadLetter("refused")], [".jsonl", LINE]]) {
    const world = crowdedWorld({ [suffix]: text }, segments);
    const { name, process, clock, files } = world.process();
    const counted = countOperations(files);
    const reporter = new StatusReporter({ name, process, clock, files: counted }, WAL, {});
    await reporter.report();
    const { counts } = counted;
    assert.equal(counts["openRead"], segments);
    assert.equal(counts["file.readNow"], segments);
    assert.equal(counts["readText"], segments, "presence files");
    assert.equal(counts["file.size"] ?? 0, 0);
    // Each of them, and each presence file.
    assert.ok(counts["stat"] <= 2 * segments + 10, `${counts["stat"]} looks`);
    await reporter.report();
    assert.equal(counts["openRead"], segments, "in the second report");
  }
});
