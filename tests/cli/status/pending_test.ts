import assert from "node:assert/strict";
import { readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "@std/path";
import { PendingCounter } from "../../../src/cli/status/state/pending_counter.ts";
import { CountBudget } from "../../../src/wal/segment/pending_count.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { inspectSegment, stemOf } from "../../../src/wal/orphans/segment_status.ts";
import { temporary } from "../../support/cli/cli_support.ts";
import { openLog, writeCalls } from "../../support/cli/written_logs.ts";
import { test } from "../../harness.ts";

const NAME = "acme/chat";

/** A budget that records how many bytes were to be read. */
class WatchedBudget extends CountBudget {
  taken = 0;

  override takeExact(bytes: number): boolean {
    this.taken += bytes;
    return super.takeExact(bytes);
  }
}

test("pending records are counted again by reading only changed segments", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME);
  writeCalls(log, NAME, 100);
  const directory = join(place.wal, NAME);
  const file = join(directory, readdirSync(directory).find((name) => name.endsWith(".jsonl"))!);
  const lineEnd = (records: number) => {
    const data = readFileSync(file);
    let at = 0;
    for (let record = 0; record < records; record++) at = data.indexOf(10, at) + 1;
    return at;
  };
  const runtime = detectRuntime();
  let read = 0;
  const counter = new PendingCounter(runtime.files);
  const count = async () => {
    const budget = new WatchedBudget();
    const state = inspectSegment(runtime, stemOf(runtime.files, file))!;
    const { records, isEstimate } = await counter.count(state, budget);
    assert.equal(isEstimate, false);
    read = budget.taken;
    return records;
  };
  const checkpoint = (offset: number) =>
    writeFileSync(file.replace(".jsonl", ".checkpoint"), `${offset}`);

  assert.equal(await count(), 200);
  assert.equal(read, readFileSync(file).length);
  assert.equal(await count(), 200);
  assert.equal(read, 0);

  const before = readFileSync(file).length;
  writeCalls(log, NAME, 5);
  assert.equal(await count(), 210);
  assert.equal(read, readFileSync(file).length - before);

  checkpoint(lineEnd(30));
  assert.equal(await count(), 180);
  assert.equal(read, lineEnd(30));
  checkpoint(lineEnd(206)); // After the part counted first; more was written meanwhile.
  writeCalls(log, NAME, 1);
  assert.equal(await count(), 6);
  checkpoint(0); // Sent again from the start.
  assert.equal(await count(), 212);
  checkpoint(lineEnd(212));
  assert.equal(await count(), 0);
  checkpoint(lineEnd(2));
  truncateSync(file, lineEnd(10));
  assert.equal(await count(), 8);
  await log.finish();
});
