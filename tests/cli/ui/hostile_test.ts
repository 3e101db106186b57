import assert from "node:assert/strict";
import { appendFileSync, readdirSync } from "node:fs";
import { join } from "@std/path";
import type {
  CallDetail,
  CallPage,
  CallView,
  StatusView,
  TracePage,
} from "../../../src/cli/ui/api_types.ts";
import { temporary } from "../../support/cli/cli_support.ts";
import { endCall, openLog, startCall } from "../../support/cli/written_logs.ts";
import { openUi, type UiFixture } from "../../support/cli/ui_fixture.ts";
import { test } from "../../harness.ts";

const NAME = "acme/chat";

/** All calls of the only trace. */
async function callsOf(ui: UiFixture): Promise<readonly CallView[]> {
  const directory = ui.directory(NAME);
  const { traces: [trace, ...others] } = await ui.get<TracePage>("traces", { directory });
  assert.deepEqual(others, []);
  const calls: CallView[] = [];
  while (calls.length < trace.calls) {
    const page = await ui.get<CallPage>("trace", { key: trace.key, from: calls.length });
    assert.equal(page.from, calls.length);
    assert.ok(page.calls.length > 0 && page.calls.length <= 500, `${page.calls.length} calls`);
    calls.push(...page.calls);
  }
  return calls;
}

test("ui: a trace of thousands of nested calls is paginated", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME);
  let call = startCall(log, NAME);
  for (let i = 1; i < 3_000; i++) call = startCall(log, NAME, { parent: call });
  await log.finish();
  await using ui = openUi(place.wal);
  const calls = await callsOf(ui);
  assert.equal(calls.length, 3_000);
  assert.equal(calls[999].depth, 999);
  assert.ok(calls.every(({ depth }) => depth <= 1_000));
});

test("ui: a value of 20 MB is sent in small parts", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME);
  const call = startCall(log, NAME, { inputs: { text: "€".repeat(7_000_000) } });
  endCall(log, NAME, call);
  await log.finish();
  await using ui = openUi(place.wal);
  const directory = ui.directory(NAME);
  const [{ id, startAt }] = await callsOf(ui);
  const read = async (from: number) =>
    (await ui.get<CallDetail>("call", { directory, id, at: startAt!, from })).fields[0];
  const first = await read(0);
  assert.equal(first.bytes, 21_000_011);
  assert.ok(first.to <= 70_000);
  const last = await read(first.bytes - 100);
  assert.equal(last.to, last.bytes);
  assert.match(last.text, /^€+"\}$/);
  assert.equal((await read(1e12)).text, "");
});

test("ui: corrupt lines, cyclic calls and impossible times do not hide other calls", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME);
  endCall(log, NAME, startCall(log, NAME, { op: "sound" }));
  const ring = { project_id: NAME, trace_id: "ring", op_name: "ring", attributes: {}, inputs: {} };
  for (const [id, parent_id] of [["a", "b"], ["b", "a"]]) {
    const started_at = "+275760-09-13T00:00:00Z";
    log.append("call_start", JSON.stringify({ start: { ...ring, id, parent_id, started_at } }));
  }
  log.append("call_end", `{"end":{"project_id":"${NAME}","id":"a","ended_at":"-271821-04-20"}}`);
  log.append("call_start", `{"start":{"project_id":"${NAME}","id":7,"started_at":[]}}`);
  await log.finish();
  const directory = join(place.wal, NAME);
  const file = readdirSync(directory).find((name) => name.endsWith(".jsonl"))!;
  appendFileSync(join(directory, file), `{"type":"call_start","req":{"start"\n\u0000\u0001\n[]\n`);
  await using ui = openUi(place.wal);
  const { traces, next } = await ui.get<TracePage>("traces", { directory });
  assert.deepEqual(traces.map(({ name }) => name).sort(), ["ring", "sound"]);
  assert.equal(next, null);
  const trace = traces.find(({ name }) => name === "ring")!;
  assert.equal((await ui.get<CallPage>("trace", { key: trace.key })).calls.length, 2);
  for (;;) {
    const { report, error } = await ui.get<StatusView>("status");
    assert.equal(error, null);
    if (report?.totals.projects === 1) break;
  }
});

test("ui: an invalid request is answered with an error", async () => {
  await using place = await temporary();
  await using ui = openUi(place.wal);
  const status = async (path: string, init?: RequestInit): Promise<number> =>
    (await ui.request(path, init)).status;
  assert.equal(await status("/api/traces?next=x"), 410);
  assert.equal(await status("/api/trace?key=__proto__&from=-1"), 410);
  assert.equal(await status("/api/trace?from=1e999"), 410);
  assert.equal(await status("/api/call?directory=%00&at=%00"), 410);
  assert.equal(await status("/api/dead-letters?next=%2e%2e"), 410);
  assert.equal(await status("/api/nothing"), 404);
  const bodies = [
    "",
    "null",
    "7",
    "[]",
    '{"ids":7}',
    '{"ids":[null]}',
    '{"reason":{}}',
    '{"id":[]}',
  ];
  for (const body of bodies) {
    const headers = { "content-type": "application/json" };
    const found = await status("/api/dead-letters/retry", { method: "POST", headers, body });
    assert.equal(found, 400, body);
  }
});
