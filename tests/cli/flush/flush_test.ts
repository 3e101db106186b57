import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "@std/path";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { cli } from "../../support/cli/cli.ts";
import { startCli, temporary } from "../../support/cli/cli_support.ts";
import { openLog, writeCalls } from "../../support/cli/written_logs.ts";
import { presenceFiles } from "../../support/cli/cli_processes.ts";
import { CTRL_C, noTerminal, plain, startInTerminal } from "../../support/cli/cli_terminal.ts";
import { dataFiles, KEY, leave, sending } from "../../support/cli/flush_fixture.ts";
import { test } from "../../harness.ts";

const NAME = "acme/chat";

const SLOW = { timeout: 120_000 };

test("flush sends the log of a finished process and removes its files", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  const written = await leave(place.wal, NAME, mock.url, 25);
  const { code, out } = await cli(["flush"], sending(place.path, mock.url));
  assert.equal(code, 0, out);
  assert.match(out, /^Delivered 50 records \(.* of log\) in /);
  assert.deepEqual(mock.store.calls(NAME).map(({ id }) => id).sort(), written.sort());
  assert.deepEqual(dataFiles(place.wal, NAME), []);
}, SLOW);

test("flush sends only the given projects", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await leave(place.wal, NAME, mock.url, 2);
  await leave(place.wal, "acme/eval", mock.url, 2);
  await leave(place.wal, "other/chat", mock.url, 2);
  const { code, out } = await cli(["flush", "--project", NAME], sending(place.path, mock.url));
  assert.equal(code, 0, out);
  assert.deepEqual(mock.store.projects.map(({ id }) => id), [NAME]);
  assert.equal((await cli(["flush", "--entity", "acme"], sending(place.path, mock.url))).code, 0);
  assert.deepEqual(mock.store.projects.map(({ id }) => id).sort(), [NAME, "acme/eval"]);
}, SLOW);

test("flush does not send the logs of other servers, and reports them", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await leave(place.wal, NAME, "https://trace.example.com", 2);
  const { code, out } = await cli(["flush"], sending(place.path, mock.url));
  assert.equal(code, 0, out);
  assert.match(out, /^Nothing pending for http:\/\/127/);
  assert.match(out, /Not sent: .* in 1 file for https:\/\/trace\.example\.com/);
  assert.match(out, /weave-wal flush --server https:\/\/trace\.example\.com$/m);
  assert.equal(mock.journal.total, 0);
  assert.equal(dataFiles(place.wal, NAME).length, 1);
}, SLOW);

test(
  "flush takes up what the Python SDK left: a lock with a process id, spaces in records",
  async () => {
    await using place = await temporary();
    await using mock = await startMockServer();
    const directory = join(place.wal, NAME);
    mkdirSync(directory, { recursive: true });
    const stem = join(directory, `01700000000000000000_${"b".repeat(32)}`);
    writeFileSync(`${stem}.lock`, "1999999999");
    const start = {
      project_id: NAME,
      id: "01a20642-0000-7000-8000-000000000001",
      trace_id: "01a20642-0000-7000-8000-000000000002",
      op_name: "answer",
      started_at: "2026-05-01T12:00:00.000Z",
      attributes: {},
      inputs: {},
    };
    const { id, trace_id, started_at } = start;
    const end = {
      project_id: NAME,
      id,
      ended_at: "2026-05-01T12:00:01.000Z",
      summary: {},
      output: 1,
    };
    writeFileSync(
      `${stem}.jsonl`,
      `{"type": "call_start", "req": ${JSON.stringify({ start })}}\n` +
        `{"type": "call_end", "req": ${JSON.stringify({ end })}}\n`,
    );
    const status = await cli(["status", "--json"], { cwd: place.path });
    const [{ pendingRecords, writers }] = JSON.parse(status.out).projects;
    assert.deepEqual({ pendingRecords, writers }, { pendingRecords: 2, writers: { dead: 1 } });
    const { code, out } = await cli(["flush"], sending(place.path, mock.url));
    assert.equal(code, 0, out);
    const [call] = mock.store.calls(NAME);
    assert.deepEqual([call.id, call.trace_id, call.started_at], [id, trace_id, started_at]);
    assert.ok(call.ended_at);
    assert.deepEqual(readdirSync(directory), []);
  },
  SLOW,
);

test("flush does not wait for a log whose corrupt presence file hides another server", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await leave(place.wal, NAME, "https://trace.example.com", 2);
  for (const file of presenceFiles(place.wal)) writeFileSync(file, "");
  const { code, out } = await cli(["flush"], sending(place.path, mock.url));
  assert.equal(code, 0, out);
  assert.match(out, /Not sent: .* for another server, which no file names any more/);
  assert.equal(mock.journal.total, 0);
}, SLOW);

test("flush stops at its time limit, and loses nothing", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await leave(place.wal, NAME, mock.url, 3);
  await mock.stop();
  const { code, out, err } = await cli(["flush", "--timeout", "1s"], sending(place.path, mock.url));
  assert.equal(code, 1);
  assert.match(out, /Still on disk: .* in 1 file; the time ran out; last error: /);
  assert.match(err, /Cannot deliver to .*, trying again/);
  await mock.restart();
  assert.equal((await cli(["flush"], sending(place.path, mock.url))).code, 0);
  assert.equal(mock.store.finishedCount(NAME), 3);
}, SLOW);

test("flush waits out an outage and then delivers", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await leave(place.wal, NAME, mock.url, 3);
  await mock.stop();
  const flush = startCli(["flush"], sending(place.path, mock.url));
  await flush.sees("trying again");
  await mock.restart();
  const { code, out } = await flush.ended;
  assert.equal(code, 0, out);
  assert.equal(mock.store.finishedCount(NAME), 3);
}, SLOW);

test("flush ends at once when the server refuses the key, and never shows it", async () => {
  await using place = await temporary();
  await using mock = await startMockServer({ apiKey: "another" });
  await leave(place.wal, NAME, mock.url, 3);
  const { code, out, err } = await cli(["flush"], sending(place.path, mock.url));
  assert.equal(code, 1);
  assert.match(out, /the server rejects what is sent/);
  assert.match(err, /the API key is not accepted/);
  assert.ok(!`${out}${err}`.includes(KEY));
  assert.equal(dataFiles(place.wal, NAME).length, 1);
}, SLOW);

test("flush without a key lists where one is looked for", async () => {
  await using place = await temporary();
  const { code, err } = await cli(["flush"], { cwd: place.path });
  assert.equal(code, 2);
  assert.match(err, /none in WANDB_API_KEY or ~\/\.netrc/);
}, SLOW);

test("flush fails when records were rejected, and keeps them as dead letters", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  const log = openLog(place.wal, NAME, { server: mock.url });
  writeCalls(log, NAME, 2);
  log.append("call_update", JSON.stringify({ project_id: NAME, nonsense: true }));
  await log.finish();
  const { code, out } = await cli(["flush"], sending(place.path, mock.url));
  assert.equal(code, 1);
  assert.match(out, /1 record rejected, kept as dead letters: see weave-wal dead-letters list/);
  assert.equal(mock.store.finishedCount(NAME), 2);
  assert.ok(readdirSync(join(place.wal, NAME)).some((name) => name.endsWith(".deadletter")));
}, SLOW);

test("flush shows a bar in a terminal", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await leave(place.wal, NAME, mock.url, 200);
  mock.faults.add({ path: /calls\/complete|upsert/, times: 1, delayMs: 1_000 });
  const { code, out } = await startInTerminal(["flush"], sending(place.path, mock.url)).ended;
  assert.equal(code, 0, out);
  const text = plain(out);
  assert.match(text, /Sending ░+ 0% · 0 B of [\d.]+ kB/);
  assert.match(text, /Sending █+ 100% · .* · 400 records, [\d,]+\/s/);
  assert.match(text, /Delivered 400 records/);
  assert.ok(out.includes("\u001b[?25h"), "the cursor is not shown again");
}, { ...SLOW, skip: noTerminal });

test(
  "flush ends on Ctrl-C with code 130, says what is left, and gives its leases back",
  async () => {
    await using place = await temporary();
    await using mock = await startMockServer();
    await leave(place.wal, NAME, mock.url, 5);
    const gate = mock.faults.add({ path: /calls\/complete|upsert/, hang: true });
    const flush = startInTerminal(["flush"], sending(place.path, mock.url));
    await mock.waitFor(() => gate.hits > 0, { timeout: 60_000 });
    flush.type(CTRL_C);
    const { code, out } = await flush.ended;
    assert.equal(code, 130, out);
    assert.match(plain(out), /Still on disk: .* in 1 file; stopped/);
    assert.ok(!existsSync(join(place.wal, NAME, ".recovery")), "the lease is left");
  },
  { ...SLOW, skip: noTerminal },
);
