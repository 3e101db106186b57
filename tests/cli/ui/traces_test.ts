import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "@std/path";
import { otelRequest } from "../../../src/protocol/otlp/otel_request.ts";
import type {
  CallDetail,
  CallPage,
  CallView,
  TracePage,
  TraceView,
} from "../../../src/cli/ui/api_types.ts";
import { temporary } from "../../support/cli/cli_support.ts";
import {
  endCall,
  openLog,
  startCall,
  writeCalls,
  type WrittenCall,
} from "../../support/cli/written_logs.ts";
import { openUi, type UiFixture } from "../../support/cli/ui_fixture.ts";
import { spanRequests } from "../../support/otel/span_requests.ts";
import { test } from "../../harness.ts";

const NAME = "acme/chat";
const NOON = Date.parse("2026-05-01T12:00:00Z");
const HOSTILE = `<img src=x onerror=alert(1)></pre><script>alert(2)</script>"&amp;\u202e`;

/** Reads all pages of a list. */
async function allTraces(
  ui: UiFixture,
  query: Record<string, string> = {},
): Promise<readonly TraceView[]> {
  const traces: TraceView[] = [];
  for (let next: string | null = ""; next !== null;) {
    const page: TracePage = await ui.get("traces", {
      directory: ui.directory(NAME),
      ...query,
      ...(next === "" ? {} : { next }),
    });
    traces.push(...page.traces);
    ({ next } = page);
    if (next === null) assert.equal(page.read, page.total);
  }
  return traces;
}

async function callsOf(ui: UiFixture, { key }: TraceView): Promise<readonly CallView[]> {
  return (await ui.get<CallPage>("trace", { key })).calls;
}

test("ui: traces of several processes are sorted, newest first, and paginated", async () => {
  await using place = await temporary();
  const logs = [openLog(place.wal, NAME), openLog(place.wal, NAME)];
  for (let i = 0; i < 240; i++) {
    const started = Date.now() - 240_000 + i * 1_000;
    writeCalls(logs[i % 2], NAME, 1, { op: `op${i}`, started, ended: started + 5 });
  }
  for (const log of logs) await log.finish();
  await using ui = openUi(place.wal);
  const first = await ui.get<TracePage>("traces", { directory: ui.directory(NAME) });
  assert.ok(first.traces.length >= 50 && first.traces.length < 100, `${first.traces.length}`);
  assert.notEqual(first.next, null);
  const all = await allTraces(ui);
  assert.deepEqual(
    all.map(({ name }) => name),
    Array.from({ length: 240 }, (_, i) => `op${239 - i}`),
  );
});

test("ui: a trace is a tree of calls with times, errors and unfinished calls", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME);
  const root = startCall(log, NAME, { op: "answer", started: NOON });
  const child = startCall(log, NAME, { op: "search", parent: root, started: NOON + 100 });
  startCall(log, NAME, { op: "wait", parent: child, started: NOON + 150 });
  endCall(log, NAME, child, { ended: NOON + 300, exception: `ValueError: ${HOSTILE}` });
  endCall(log, NAME, root, { ended: NOON + 1_000 });
  await log.finish();
  await using ui = openUi(place.wal);
  const [trace] = await allTraces(ui);
  assert.deepEqual({ ...trace, bytes: 0 }, {
    key: `${ui.directory(NAME)}/${root.traceId}`,
    name: "answer",
    started: NOON,
    duration: null,
    calls: 3,
    failed: 1,
    running: 1,
    bytes: 0,
  });
  const calls = await callsOf(ui, trace);
  assert.deepEqual(
    calls.map(({ name, depth, parent, started, ended, hasEnd, error }) => [
      name,
      depth,
      parent,
      started! - NOON,
      ended === null ? null : ended - NOON,
      hasEnd,
      error,
    ]),
    [
      ["answer", 0, true, 0, 1_000, true, null],
      ["search", 1, true, 100, 300, true, `ValueError: ${HOSTILE}`],
      ["wait", 2, false, 150, null, false, null],
    ],
  );
  assert.deepEqual((await allTraces(ui, { errors: "1", text: "SEARCH" })).length, 1);
  assert.deepEqual((await allTraces(ui, { text: "nothing like it" })).length, 0);
});

test("ui: inputs and output are read on demand, large ones in parts", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME);
  const text = "añ€😀".repeat(40_000);
  const call: WrittenCall = startCall(log, NAME, { inputs: { html: HOSTILE, text } });
  endCall(log, NAME, call, { output: HOSTILE });
  writeCalls(log, NAME, 3);
  await log.finish();
  await using ui = openUi(place.wal);
  const trace = (await allTraces(ui)).find(({ bytes }) => bytes > 100_000)!;
  const [{ startAt, endAt, id }] = await callsOf(ui, trace);
  const read = (at: string, more: Record<string, string | number> = {}): Promise<CallDetail> =>
    ui.get("call", { directory: ui.directory(NAME), id, at, ...more });
  const [inputs] = (await read(startAt!)).fields;
  assert.equal(inputs.name, "inputs");
  assert.ok(inputs.to < inputs.bytes);
  let json = inputs.text;
  for (let { to } = inputs; to < inputs.bytes;) {
    const [part] = (await read(startAt!, { field: "inputs", from: to })).fields;
    assert.equal(part.from, to);
    json += part.text;
    ({ to } = part);
  }
  assert.deepEqual(JSON.parse(json), { html: HOSTILE, text });
  const fields = (await read(endAt!)).fields.map(({ name, text }) => [name, text]);
  assert.deepEqual(fields, [["output", JSON.stringify(HOSTILE)]]);
  // An offset that is not the start of a record, belongs to another call, or is outside
  // the log.
  const [stem, offset] = endAt!.split(":");
  for (const at of [`${stem}:${Number(offset) + 1}`, "../../x:0", `${stem}:999999999`, stem]) {
    await assert.rejects(read(at), /HTTP 410/, at);
  }
  const other = await ui.get<CallDetail>("call", {
    directory: ui.directory(NAME),
    id: "another",
    at: endAt!,
  });
  assert.deepEqual(other.fields, []);
});

test("ui: OpenTelemetry spans are shown like calls", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME);
  const requests = await spanRequests([{
    name: "answer",
    from: NOON,
    to: NOON + 3_000,
    children: [{ name: HOSTILE, from: NOON + 500, to: NOON + 1_000, error: "no tokens" }],
  }]);
  for (const request of requests) log.append("otel_traces", otelRequest(NAME, request));
  await log.finish();
  await using ui = openUi(place.wal);
  const [trace, ...others] = await allTraces(ui);
  assert.deepEqual(others, []);
  assert.equal(trace.duration, 3_000);
  const calls = await callsOf(ui, trace);
  assert.deepEqual(calls.map(({ name, span, error, depth }) => [name, span, error, depth]), [
    ["answer", true, null, 0],
    [HOSTILE, true, "no tokens", 1],
  ]);
  const { id, startAt } = calls[1];
  const { fields } = await ui.get<CallDetail>("call", {
    directory: ui.directory(NAME),
    id,
    at: startAt!,
  });
  assert.ok(fields.some(({ name, text }) => name === "status" && text.includes("no tokens")));
});

test("ui: only log directories are read", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME);
  writeCalls(log, NAME, 1);
  await log.finish();
  await using ui = openUi(place.wal);
  const [trace] = await allTraces(ui);
  const [{ id, startAt }] = await callsOf(ui, trace);
  const other = join(place.path, "other");
  renameSync(ui.directory(NAME), other);
  mkdirSync(ui.directory(NAME));
  for (const directory of [other, `${ui.directory(NAME)}/../../../other`, "/", ""]) {
    await assert.rejects(ui.get("call", { directory, id, at: startAt! }), /HTTP 410/);
    assert.deepEqual((await ui.get<TracePage>("traces", { directory })).traces, []);
    const dead = { directory, id: startAt! };
    await assert.rejects(ui.get("dead-letter", dead), /HTTP 410/);
  }
});

test("ui: deleting a log while its list is read ends the list", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME);
  writeCalls(log, NAME, 200);
  await log.finish();
  await using ui = openUi(place.wal);
  const { traces: [trace], next } = await ui.get<TracePage>("traces", {
    directory: ui.directory(NAME),
  });
  const [{ id, startAt }] = await callsOf(ui, trace);
  rmSync(place.wal, { recursive: true });
  const rest = await ui.get<TracePage>("traces", { directory: ui.directory(NAME), next: next! });
  assert.ok(rest.traces.length > 0, "what was read before");
  await assert.rejects(
    ui.get("call", { directory: ui.directory(NAME), id, at: startAt! }),
    /HTTP 410 .*refresh/,
  );
  const again = await ui.get<TracePage>("traces", { directory: ui.directory(NAME) });
  assert.deepEqual([again.traces, again.next], [[], null]);
  await assert.rejects(
    ui.get("traces", { directory: ui.directory(NAME), next: "0".repeat(32) }),
    /HTTP 410/,
  );
});
