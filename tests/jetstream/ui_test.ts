import assert from "node:assert/strict";
import type {
  CallDetail,
  CallPage,
  DeadLetterDetail,
  DeadLetterPage,
  StatusView,
  TracePage,
  TraceView,
} from "../../src/cli/ui/api_types.ts";
import { test } from "../harness.ts";
import { cli } from "../support/cli/cli.ts";
import { startUi, type UiProcess } from "../support/cli/ui_process.ts";
import { call, idOf, NAME } from "../support/jetstream/stream_calls.ts";
import { withoutNats } from "../support/jetstream/nats_server.ts";
import {
  feedback,
  openStreamFixture,
  refuse,
  type StreamFixture,
} from "../support/jetstream/stream_fixture.ts";

const options = { skip: withoutNats, timeout: 120_000 };
const SEARCH = "x".repeat(200_000);

/** Starts the page of a stream. */
function open({ log, surroundings }: StreamFixture, ...args: string[]): Promise<UiProcess> {
  return startUi([...args, "--log", log], surroundings);
}

/** Reads all pages of a list. */
async function allTraces(ui: UiProcess, directory = NAME): Promise<TraceView[]> {
  const traces: TraceView[] = [];
  for (let next: string | null = ""; next !== null;) {
    const page: TracePage = await ui.get("traces", next === "" ? { directory } : { next });
    traces.push(...page.traces);
    ({ next } = page);
    if (next === null) assert.equal(page.read, page.total);
  }
  return traces;
}

test("ui --log shows the projects, partitions and limit of a stream", async () => {
  await using fixture = await openStreamFixture(4, 1_000_000);
  await fixture.write(NAME, [1, 2, 3].flatMap((number) => call(idOf(number))));
  await fixture.write("acme/eval", [feedback("acme/eval", "f1")]);
  await using ui = await open(fixture);
  const { report, place, samples } = await ui.getWhere<StatusView>(
    "status",
    (status) => status.report !== null,
  );
  assert.equal(place, fixture.log);
  assert.equal(report!.unit, "partition");
  assert.equal(report!.totals.pendingRecords, 7);
  assert.deepEqual(
    report!.projects.map((
      { directory, pendingRecords, written, sent, sender },
    ) => [directory, pendingRecords, written, sent, sender.state]).sort(),
    [[NAME, 6, null, null, "nobody"], ["acme/eval", 1, null, null, "nobody"]],
  );
  assert.ok(report!.projects.every(({ quota }) => quota!.share > 0 && quota!.share < 0.1));
  assert.deepEqual([report!.writers, samples[0].written], [[], null]);
  assert.match(report!.advice[0].command!, /flush --follow --log nats:/);
  assert.match(await (await ui.request("")).text(), /^<!doctype html>/);
}, options);

test("ui --log joins the calls of all partitions, and reads their inputs and outputs", async () => {
  await using fixture = await openStreamFixture(4);
  await fixture.write(
    NAME,
    [
      call(idOf(1), { second: 1 }),
      call(idOf(2), { parent: idOf(1), second: 2, start: { inputs: { text: SEARCH } } }),
      call(idOf(3), { parent: idOf(2), second: 3, end: { exception: "no tokens" } }),
    ].flat(),
  );
  const { subjects } = await fixture.engine.state();
  assert.ok(subjects.size > 1, "the calls are in several partitions");
  await using ui = await open(fixture);
  const [trace, ...others] = await allTraces(ui);
  assert.deepEqual(others, []);
  assert.deepEqual([trace.name, trace.calls, trace.failed, trace.running], ["op-1", 3, 1, 0]);
  const { calls } = await ui.get<CallPage>("trace", { key: trace.key });
  assert.deepEqual(calls.map(({ name, depth, error }) => [name, depth, error]), [
    ["op-1", 0, null],
    ["op-2", 1, null],
    ["op-3", 2, "no tokens"],
  ]);
  const [{ id, startAt, endAt }] = calls.slice(1);
  assert.equal(startAt, endAt, "one message contains both");
  const read = { directory: NAME, id, at: startAt! };
  const { fields } = await ui.get<CallDetail>("call", read);
  assert.deepEqual(fields.map(({ name }) => name), ["inputs", "output"]);
  const [{ text, to, bytes }] = fields;
  const rest = await ui.get<CallDetail>("call", { ...read, field: "inputs", from: to });
  assert.ok(to < bytes);
  assert.ok(JSON.stringify({ text: SEARCH }).startsWith(text + rest.fields[0].text));
  const none = await ui.get<CallDetail>("call", { ...read, id: "another" });
  assert.deepEqual(none.fields, []);
  const [name, position] = startAt!.split(":");
  await fixture.engine.remove(Number(position));
  for (const at of [startAt!, `${name}:999`, `OTHER:${position}`, name]) {
    await assert.rejects(ui.get("call", { ...read, at }), /HTTP 410 .*refresh/, at);
  }
  await assert.rejects(ui.get("call", { ...read, directory: "acme/none" }), /HTTP 410/);
}, options);

test("ui --log lists traces in pages, newest first", async () => {
  await using fixture = await openStreamFixture(2);
  const traceOf = (number: number): string =>
    `0199f0c2-0000-7000-8000-${`${number}`.padStart(12, "0")}`;
  const count = 59;
  for (let number = 0; number < count; number++) {
    const traceId = traceOf(number);
    await fixture.write(NAME, [
      ...call(`${traceId}`, { traceId, second: number, start: { inputs: { text: SEARCH } } }),
    ]);
    await fixture.write("acme/eval", [feedback("acme/eval", `f${number}`)]);
  }
  await using ui = await open(fixture);
  const first = await ui.get<TracePage>("traces", { directory: NAME });
  assert.ok(first.traces.length >= 50 && first.next !== null, `${first.traces.length} traces`);
  assert.ok(first.read > 0 && first.read < first.total, `${first.read} of ${first.total}`);
  const seconds = (await allTraces(ui)).map(({ started }) => new Date(started!).getUTCSeconds());
  assert.deepEqual(seconds, Array.from({ length: count }, (_, i) => count - 1 - i));
  assert.deepEqual(await allTraces(ui, "acme/eval"), []);
  assert.deepEqual(await allTraces(ui, "acme/none"), []);
}, options);

test("ui --log shows, exports and retries the dead letters of a stream", async () => {
  await using fixture = await openStreamFixture();
  const { mock } = fixture;
  const requests = await refuse(fixture, NAME, 3);
  await using ui = await open(fixture);
  const { deadLetters } = await ui.get<DeadLetterPage>("dead-letters");
  assert.deepEqual(deadLetters.map(({ reason, message }) => [reason, message]), [
    ["refused", "No sense"],
    ["refused", "No sense"],
    ["refused", "No sense"],
  ]);
  const [{ id, directory }] = deadLetters;
  const { field } = await ui.get<DeadLetterDetail>("dead-letter", { directory, id });
  assert.equal(field.text, requests[0]);
  const exported = await (await ui.request(`api/dead-letters/export?id=${id}`)).text();
  assert.equal(exported.trimEnd().split("\n").length, 1);
  assert.ok(exported.includes(requests[0]));
  const stored = mock.store.counts.feedback;
  const retry = await ui.request("api/dead-letters/retry", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ project: "chat" }),
  });
  assert.deepEqual(await retry.json(), { started: true });
  const { retry: result } = await ui.getWhere<StatusView>(
    "status",
    ({ retry }) => retry !== null && retry.state !== "running",
  );
  assert.match(`${result!.state}: ${result!.message}`, /^done: .* took 3 of 3 dead letters$/);
  assert.equal(mock.store.counts.feedback, stored + 3);
  assert.deepEqual((await ui.get<DeadLetterPage>("dead-letters")).deadLetters, []);
  await ui.getWhere<StatusView>("status", ({ report }) => report!.totals.deadLetters === 0);
}, options);

test("ui --log reports unreachable servers, and continues when they are back", async () => {
  await using fixture = await openStreamFixture();
  await fixture.write(NAME, [feedback(NAME, "f1")]);
  await using ui = await open(fixture);
  await ui.getWhere<StatusView>("status", (status) => status.report !== null);
  await fixture.server.kill();
  const away = await ui.getWhere<StatusView>("status", (status) => status.error !== null);
  assert.match(away.error!, /^Cannot use the log: /);
  assert.equal(away.report!.totals.pendingRecords, 1, "the last report stays");
  await assert.rejects(ui.get("dead-letters"), /HTTP 500 .*Cannot use the log/);
  await fixture.server.start();
  await ui.getWhere<StatusView>("status", (status) => status.error === null);
}, options);

test("ui --log refuses options of directories, and streams that do not exist", async () => {
  await using fixture = await openStreamFixture();
  const { run, server, surroundings } = fixture;
  const both = await run("ui", "--no-open", "--dir", ".");
  assert.deepEqual([both.code, /Cannot use --dir with --log/.test(both.err)], [2, true], both.err);
  const other = `nats://${server.address}/OTHER`;
  const none = await cli(["ui", "--no-open", "--log", other], surroundings);
  assert.equal(none.code, 2);
  assert.match(none.err, /Cannot find a log at nats:.*OTHER/);
  await server.kill();
  const away = await run("ui", "--no-open");
  assert.equal(away.code, 3);
  assert.match(away.err, /Cannot use the log: Cannot connect to/);
}, options);
