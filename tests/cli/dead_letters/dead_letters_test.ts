import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "@std/path";
import { type MockServer, startMockServer } from "../../../tools/mock_server/serve.ts";
import { cli } from "../../support/cli/cli.ts";
import {
  type Finished,
  openLog,
  startCli,
  temporary,
  writeCalls,
} from "../../support/cli/cli_support.ts";
import { CTRL_C, noTerminal, plain, startInTerminal } from "../../support/cli/cli_terminal.ts";
import { test } from "../../harness.ts";

const NAME = "acme/chat";
const SLOW = { timeout: 120_000 };

interface Place {
  readonly path: string;
  readonly wal: string;
}

/** Runs `weave-wal dead-letters`. */
async function deadLetters(place: Place, mock: MockServer, ...args: string[]): Promise<Finished> {
  return await cli(["dead-letters", ...args], {
    cwd: place.path,
    env: { WF_TRACE_SERVER_URL: mock.url, WANDB_API_KEY: "a-secret-key-0123456789" },
  });
}

async function all(place: Place, mock: MockServer): Promise<Record<string, unknown>[]> {
  const { out } = await deadLetters(place, mock, "list", "--all", "--json");
  return out.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

/** Leaves feedback that the server refuses as dead letters of a deleted segment. */
async function refuse(
  place: Place,
  mock: MockServer,
  count: number,
  name = NAME,
): Promise<string[]> {
  const log = openLog(place.wal, name, { server: mock.url });
  const requests = Array.from(
    { length: count },
    (_, number) =>
      `{"id":"f${number}","project_id":"${name}","weave_ref":"weave:///${name}/call/c${number}","feedback_type":"custom","payload":{"n":1.0,"big":12345678901234567890}}`,
  );
  for (const request of requests) log.append("feedback_create", request);
  await log.finish();
  const fault = mock.faults.add({
    path: /feedback/,
    status: 422,
    body: { reason: `Row ${count} of ${name} has no sense` },
  });
  const sent = await cli(["flush"], {
    cwd: place.path,
    env: { WF_TRACE_SERVER_URL: mock.url, WANDB_API_KEY: "x" },
  });
  assert.equal(sent.code, 1, sent.out + sent.err);
  fault.remove();
  return requests;
}

test("dead-letters list groups by why, show tells all of one", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  assert.match((await deadLetters(place, mock, "list")).out, /^No dead letters$/m);
  const requests = await refuse(place, mock, 3);
  await refuse(place, mock, 2, "acme/eval");
  const { code, out } = await deadLetters(place, mock, "list");
  assert.equal(code, 0);
  // The numbers in the messages differ; the complaint is the same.
  assert.match(
    out,
    /^ *3 +refused +422 +feedback_create 3 +.* ago +acme\/chat +#1 +Row … of acme\/chat has no sense$/m,
  );
  assert.match(out, /^ *2 +refused +422 +feedback_create 2 .* acme\/eval +#4 /m);
  const groups = JSON.parse((await deadLetters(place, mock, "list", "--json")).out);
  assert.equal(groups.total, 5);
  assert.deepEqual(groups.groups.map(({ count }: { count: number }) => count), [3, 2]);

  const shown = await deadLetters(place, mock, "show", "2");
  assert.equal(shown.code, 0);
  assert.match(shown.out, /^HTTP status +422$/m);
  assert.match(shown.out, /^message +Row 3 of acme\/chat has no sense$/m);
  assert.match(shown.out, /"weave_ref": "weave:\/\/\/acme\/chat\/call\/c1"/);
  const json = await deadLetters(place, mock, "show", "#2", "--json");
  assert.ok(json.out.endsWith(`"req":${requests[1]}}\n`), json.out);
  const missing = await deadLetters(place, mock, "show", "9");
  assert.equal(missing.code, 2);
  assert.match(missing.err, /Cannot find a dead letter: "9"/);
}, SLOW);

test("dead-letters retry delivers each with the bytes that it had", async () => {
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
  assert.match(out, /Delivered 2 of 3 dead letters\nRefused again: 1/);
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

test("dead-letters retry sends those that are named and no other", async () => {
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
  assert.match(out, /Left alone, they are for another server: 2; name them/);
  assert.equal(other.journal.total, 0);
  assert.equal((await deadLetters(place, other, "retry", "1")).code, 0);
  assert.deepEqual(other.store.feedback(NAME).map(({ id }) => id), ["f0"]);
  assert.equal((await deadLetters(place, mock, "retry")).code, 0);
  assert.deepEqual(mock.store.feedback(NAME).map(({ id }) => id), ["f1"]);
}, SLOW);

test("dead-letters retry gives up when its time runs out, and keeps all", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await refuse(place, mock, 2);
  await mock.stop();
  const { code, out } = await deadLetters(place, mock, "retry", "--timeout", "500ms");
  assert.equal(code, 1);
  assert.match(out, /Delivered 0 of 2 dead letters\nNot answered: 2; last: /);
  await mock.restart();
  assert.equal((await all(place, mock)).length, 2);
  assert.equal((await deadLetters(place, mock, "retry")).code, 0);
}, SLOW);

test("a retry that is killed loses nothing, and the next one goes on", async () => {
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
  assert.match(second.out, /Another process holds those of /);
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

test("dead-letters export writes every byte, to a file that only its owner reads", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  const requests = await refuse(place, mock, 2);
  const { code, out } = await deadLetters(place, mock, "export");
  assert.equal(code, 0);
  const lines = out.trim().split("\n");
  lines.forEach((line, index) => assert.ok(line.endsWith(`"req":${requests[index]}}`), line));
  const file = join(place.path, "dead_letters.jsonl");
  assert.equal((await deadLetters(place, mock, "export", "1", "--output", file)).code, 0);
  assert.equal(readFileSync(file, "utf8"), `${lines[0]}\n`);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const again = await deadLetters(place, mock, "export", "--output", file);
  assert.equal(again.code, 2);
  assert.match(again.err, /is there already/);
}, SLOW);

test("dead-letters drop wants a choice and an answer", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await refuse(place, mock, 3);
  const aimless = await deadLetters(place, mock, "drop");
  assert.equal(aimless.code, 2);
  assert.match(aimless.err, /Cannot drop without a choice/);
  const unasked = await deadLetters(place, mock, "drop", "1");
  assert.equal(unasked.code, 2);
  assert.match(unasked.err, /--yes drops without asking/);
  for (const choice of ["--status", "--reason", "--type"]) {
    // A variable of a script that is not set must not mean all of them.
    const empty = await deadLetters(place, mock, "drop", choice, "", "--yes");
    assert.equal(empty.code, 2, empty.out);
    assert.match(empty.err, /"" has an empty value/);
  }
  assert.equal((await all(place, mock)).length, 3);
  const { code, out } = await deadLetters(place, mock, "drop", "2", "--yes");
  assert.equal(code, 0);
  assert.match(out, /Dropped 1 dead letter/);
  assert.deepEqual((await all(place, mock)).map(({ number }) => number), [1, 2]);
  assert.equal((await deadLetters(place, mock, "drop", "--status", "422", "--yes")).code, 0);
  assert.deepEqual(readdirSync(join(place.wal, NAME)), []);
}, SLOW);

test("dead-letters drop asks at a terminal, and no is the answer unless yes is typed", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await refuse(place, mock, 2);
  const drop = async (answer: string) => {
    const asking = startInTerminal(["dead-letters", "drop", "--all"], { cwd: place.path });
    await asking.sees("Drop 2 dead letters for good? [y/N]");
    asking.type(answer);
    const { code, out } = await asking.ended;
    return { code, out: plain(out) };
  };
  assert.equal((await drop("\r")).code, 1);
  assert.equal((await drop(CTRL_C)).code, 130);
  assert.equal((await all(place, mock)).length, 2);
  const { code, out } = await drop("y\r");
  assert.equal(code, 0);
  assert.match(out, /Dropped 2 dead letters/);
  assert.deepEqual(await all(place, mock), []);
}, { ...SLOW, skip: noTerminal });

test("dead letters that a broken retry left are listed and put back by verify", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await refuse(place, mock, 2);
  const directory = join(place.wal, NAME);
  const [name] = readdirSync(directory);
  mkdirSync(join(directory, ".retry"));
  renameSync(join(directory, name), join(directory, ".retry", name));
  assert.equal((await all(place, mock)).length, 2);
  const status = await cli(["status", "--fail-if-dead-letters"], { cwd: place.path });
  assert.equal(status.code, 1);
  const { code, out } = await cli(["verify", "--repair"], { cwd: place.path });
  assert.equal(code, 0, out);
  assert.match(out, /unfinished-retry .*; put back/);
  assert.deepEqual(readdirSync(directory), [name]);
  assert.equal((await all(place, mock)).length, 2);
}, SLOW);
