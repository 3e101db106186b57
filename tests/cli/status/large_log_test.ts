import assert from "node:assert/strict";
import { join } from "@std/path";
import { StatusReporter } from "../../../src/cli/status/state/directory_status.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { cli } from "../../support/cli/cli.ts";
import { temporary } from "../../support/cli/cli_support.ts";
import { SEGMENT_BYTES, withReadBytes, writeSparseLog } from "../../support/wal/sparse_logs.ts";
import { test } from "../../harness.ts";

const SEGMENTS = 800;
const MB = 1024 * 1024;

test("status of 50 GB reads a bounded part, and marks estimates in text, JSON and metrics", async () => {
  await using place = await temporary();
  writeSparseLog(join(place.wal, "acme", "chat"), SEGMENTS, "acme/chat");
  const { runtime, read } = withReadBytes(detectRuntime());
  const reporter = new StatusReporter(runtime, place.wal, {});
  await reporter.report();
  const first = read();
  assert.ok(first < 192 * MB, `${Math.round(first / MB)} MB`);
  await reporter.report();
  assert.ok(read() - first < 128 * MB, `${Math.round((read() - first) / MB)} MB more`);

  const { out, err } = await cli(["status"], { cwd: place.path });
  assert.match(out, /800 files · about [\d.,]+( M)? records \(53\.7 GB\) pending/, err);
  assert.match(out, /acme\/chat {2}about [\d.,]+( M)? records orphaned/);
  const json = JSON.parse((await cli(["status", "--json"], { cwd: place.path })).out);
  assert.equal(json.pendingEstimated, true);
  assert.equal(json.projects[0].pendingEstimated, true);
  assert.equal(json.pendingBytes, SEGMENTS * SEGMENT_BYTES);
  const metrics = (await cli(["status", "--openmetrics"], { cwd: place.path })).out;
  assert.match(metrics, /weave_wal_pending_records_estimated\{[^}]*\} 1\n/);
});

test("flush of 50 GB reports the remainder immediately at its time limit", async () => {
  await using place = await temporary();
  writeSparseLog(join(place.wal, "acme", "chat"), SEGMENTS, "acme/chat");
  const env = { WF_TRACE_SERVER_URL: "http://127.0.0.1:9", WANDB_API_KEY: "key" };
  const { code, out } = await cli(["flush", "--timeout", "1ms"], { cwd: place.path, env });
  assert.equal(code, 1);
  assert.match(out, /Still on disk: 53\.7 GB in 800 files; the time ran out/);
});
