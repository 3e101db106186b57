import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPipeline } from "../../src/client/pipeline/create_pipeline.ts";
import { detectRuntime } from "../../src/runtime/detect.ts";
import { test } from "../harness.ts";
import { pipelineOptions } from "../support/delivery/delivery_fixture.ts";
import { SEGMENT_BYTES, withReadBytes, writeSparseLog } from "../support/wal/sparse_logs.ts";

const MB = 1024 * 1024;
/** Two queries of 64 MB counted exactly and 64 MB sampled each, and the reads of the sender. */
const MAX_READ = (2 * 128 + 32) * MB;

for (const segments of [50, 800]) {
  const size = `${Math.round(segments * SEGMENT_BYTES / 1e9)} GB`;
  test(`large log: with ${size} pending, init, stats and finish read a bounded part of it`, async () => {
    const place = mkdtempSync(join(tmpdir(), "weave-wal-test-"));
    try {
      writeSparseLog(join(place, "team", "project"), segments, "team/project");
      const { runtime, read } = withReadBytes(detectRuntime());
      const pipeline = openPipeline(pipelineOptions(place, "http://127.0.0.1:9", {
        runtime,
        fetch: () => Promise.reject(new TypeError("fetch failed")),
        retryMaxMs: 60_000,
      }));
      const stats = await pipeline.stats();
      assert.equal(stats.pendingBytes, segments * SEGMENT_BYTES);
      assert.equal(stats.pendingEstimated, true);
      assert.ok(stats.pendingRecords > 16_000, `${stats.pendingRecords} records`);
      const { pendingEstimated, pendingBytes, done } = await pipeline.finish({ timeout: 0 });
      assert.deepEqual([pendingEstimated, done], [true, false]);
      assert.ok(pendingBytes >= segments * SEGMENT_BYTES);
      assert.ok(read() < MAX_READ, `${Math.round(read() / MB)} MB read`);
    } finally {
      rmSync(place, { recursive: true });
    }
  });
}
