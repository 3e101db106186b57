import assert from "node:assert/strict";
import { linkSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "@std/path";
import type { StatusView, TracePage } from "../../../src/cli/ui/api_types.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { formatStem } from "../../../src/wal/segment/segment_name.ts";
import { temporary } from "../../support/cli/cli_support.ts";
import { openUi } from "../../support/cli/ui_fixture.ts";
import { withReadBytes } from "../../support/wal/sparse_logs.ts";
import { test } from "../../harness.ts";

const NAME = "acme/chat";
const MB = 1024 * 1024;
const SEGMENTS = 32;

/** Whole calls, 64 MiB of them. */
function calls(): Uint8Array {
  const started_at = new Date().toISOString();
  const ids = { project_id: NAME, trace_id: "", id: "" };
  let text = "";
  for (let n = 0; text.length < 64 * MB; n++) {
    const id = n.toString(16).padStart(32, "0");
    const start = { ...ids, id, trace_id: id, op_name: "answer", started_at, inputs: {} };
    const end = { ...ids, id, trace_id: id, ended_at: started_at, output: "x".repeat(4_000) };
    text += `${JSON.stringify({ type: "call_start", req: { start } })}\n`;
    text += `${JSON.stringify({ type: "call_end", req: { end } })}\n`;
  }
  return new TextEncoder().encode(text);
}

/** Writes a log of 2 GiB: one file under many names. */
function writeLargeLog(directory: string): void {
  mkdirSync(directory, { recursive: true });
  const now = BigInt(Date.now()) * 1_000_000n;
  const paths = Array.from({ length: SEGMENTS }, (_, n) => {
    const { stem } = formatStem(now + BigInt(n), n.toString(16).padStart(32, "0"));
    return join(directory, `${stem}.jsonl`);
  });
  writeFileSync(paths[0], calls());
  for (const path of paths.slice(1)) linkSync(paths[0], path);
}

test("ui: of a log of 2 GB, a page reads what it shows", async () => {
  await using place = await temporary();
  writeLargeLog(join(place.wal, NAME));
  const { runtime, read } = withReadBytes(detectRuntime());
  await using ui = openUi(place.wal, { runtime });
  let { report } = await ui.get<StatusView>("status");
  while (report === null) ({ report } = await ui.get<StatusView>("status"));
  assert.ok(report.totals.pendingBytes > 2_000 * MB);
  assert.equal(report.totals.pendingEstimated, true);
  assert.ok(read() < 192 * MB, `${Math.round(read() / MB)} MB for a report`);
  const before = read();
  const page = await ui.get<TracePage>("traces", { directory: ui.directory(NAME) });
  assert.ok(page.traces.length >= 50, `${page.traces.length} traces`);
  assert.notEqual(page.next, null);
  assert.ok(page.total > 2_000 * MB);
  const shown = read() - before;
  assert.ok(shown < 40 * MB, `${Math.round(shown / MB)} MB for a page of traces`);
}, { timeout: 120_000 });
