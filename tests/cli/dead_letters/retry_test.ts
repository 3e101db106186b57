import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "@std/path";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { startCli, temporary } from "../../support/cli/cli_support.ts";
import { openLog, writeCalls } from "../../support/cli/written_logs.ts";
import { test } from "../../harness.ts";
import { all, deadLetters, refuse } from "../../support/cli/dead_letters_fixture.ts";

const NAME = "acme/chat";

const SLOW = { timeout: 120_000 };

test("dead-letters retry delivers each dead letter with its original bytes", async () => {
  await using place = await temporary();
  await using mock = await startMockServer({ journalBodies: true });
  const requests = await refuse(place, mock, 3);
  const { code, out } = await deadLetters(place, mock, "retry");
  assert.equal(code, 0, out);
  assert.match(out, /^Delivered 3 of 3 dead letters$/m);
  const bodies = mock.journal.entries.map(({ body }) => body ?? "").join("\n");
  for (const request of requests) assert.ok(bodies.includes(request));
  assert.equal(mock.store.feedback(NAME).length, 3);
  assert.deepEqual(await all(place, mock), []);
  assert.deepEqual(readdirSync(join(place.wal, NAME)), []);
}, SLOW);

test("dead-letters retry keeps those that fail again, with the new reason", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await refuse(place, mock, 3);
  mock.faults.add({
    path: /feedback/,
    bodyHas: '"f1"',
    status: 400,
    body: { reason: "Still bad" },
  });
  const { code, out } = await deadLetters(place, mock, "retry");
  assert.equal(code, 1);
  assert.match(out, /Delivered 2 of 3 dead letters\nRejected again: 1/);
  const [left, ...rest] = await all(place, mock) as {
    error: Record<string, unknown>;
    id: string;
  }[];
  assert.deepEqual(rest, []);
  const { reason, status, message, retries } = left.error;
  assert.deepEqual({ reason, status, message, retries }, {
    reason: "refused",
    status: 400,
    message: "Still bad",
    retries: 1,
  });
  mock.faults.clear();
  assert.equal((await deadLetters(place, mock, "retry", left.id)).code, 0);
  assert.equal(mock.store.feedback(NAME).length, 3);
}, SLOW);

test("dead-letters retry sends only the selected dead letters", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await refuse(place, mock, 3);
  await refuse(place, mock, 2, "acme/eval");
  assert.equal((await deadLetters(place, mock, "retry", "2", "5")).code, 0);
  assert.deepEqual(mock.store.feedback(NAME).map(({ id }) => id), ["f1"]);
  assert.deepEqual(mock.store.feedback("acme/eval").map(({ id }) => id), ["f1"]);
  const left = await all(place, mock);
  assert.deepEqual(left.map(({ project }) => project), ["chat", "chat", "eval"]);
}, SLOW);

test("dead-letters retry sends nothing to another server unless it is named", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await using other = await startMockServer();
  await refuse(place, mock, 2);
  const { code, out } = await deadLetters(place, other, "retry");
  assert.equal(code, 0);
  assert.match(out, /Not sent, for another server: 2; name them/);
  assert.equal(other.journal.total, 0);
  assert.equal((await deadLetters(place, other, "retry", "1")).code, 0);
  assert.deepEqual(other.store.feedback(NAME).map(({ id }) => id), ["f0"]);
  assert.equal((await deadLetters(place, mock, "retry")).code, 0);
  assert.deepEqual(mock.store.feedback(NAME).map(({ id }) => id), ["f1"]);
}, SLOW);

test("dead-letters retry stops at its time limit, and keeps all dead letters", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await refuse(place, mock, 2);
  await mock.stop();
  const { code, out } = await deadLetters(place, mock, "retry", "--timeout", "500ms");
  assert.equal(code, 1);
  assert.match(out, /Delivered 0 of 2 dead letters\nNo response: 2; last error: /);
  await mock.restart();
  assert.equal((await all(place, mock)).length, 2);
  assert.equal((await deadLetters(place, mock, "retry")).code, 0);
}, SLOW);

test("a killed retry loses nothing, and the next one continues", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await refuse(place, mock, 3);
  const gate = mock.faults.add({ path: /feedback/, hang: true });
  const retry = startCli(["dead-letters", "retry"], {
    cwd: place.path,
    env: { WF_TRACE_SERVER_URL: mock.url, WANDB_API_KEY: "x" },
  });
  await mock.waitFor(() => gate.hits > 0, { timeout: 60_000 });
  const second = await deadLetters(place, mock, "retry");
  assert.equal(second.code, 1);
  assert.match(second.out, /Another process is retrying or dropping those of /);
  retry.kill("SIGKILL");
  await retry.ended;
  gate.remove();
  assert.equal((await all(place, mock)).length, 3);
  const { code, out } = await deadLetters(place, mock, "retry");
  assert.equal(code, 0, out);
  assert.equal(mock.store.feedback(NAME).length, 3);
  assert.deepEqual(readdirSync(join(place.wal, NAME)), []);
}, SLOW);

test("dead letters are sent again while their segment is being sent by another", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  const log = openLog(place.wal, NAME, { server: mock.url });
  const surroundings = {
    cwd: place.path,
    env: { WF_TRACE_SERVER_URL: mock.url, WANDB_API_KEY: "x" },
  };
  const sidecar = startCli(["flush", "--follow"], surroundings);
  mock.faults.add({ path: /call\/update/, times: 1, status: 400, body: { reason: "No" } });
  const update = { project_id: NAME, call_id: writeCalls(log, NAME, 1)[0], display_name: "x" };
  log.append("call_update", JSON.stringify(update));
  await sidecar.sees("kept as dead letters: 1 record");
  const { code, out } = await deadLetters(place, mock, "retry");
  assert.equal(code, 0, out);
  writeCalls(log, NAME, 1);
  await mock.waitFor((store) => store.finishedCount(NAME) === 2, { timeout: 60_000 });
  await log.finish();
  sidecar.kill("SIGTERM");
  assert.equal((await sidecar.ended).code, 0);
  assert.deepEqual(readdirSync(join(place.wal, NAME)), []);
  assert.equal(mock.store.calls(NAME)[0].display_name, "x");
}, SLOW);
