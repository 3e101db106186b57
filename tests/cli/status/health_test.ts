import assert from "node:assert/strict";
import { utimesSync } from "node:fs";
import process from "node:process";
import { join } from "@std/path";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { cli } from "../../support/cli/cli.ts";
import {
  startCli,
  startProgram,
  type Surroundings,
  temporary,
} from "../../support/cli/cli_support.ts";
import { openLog, writeCalls } from "../../support/cli/written_logs.ts";
import { changePresence, presenceFiles } from "../../support/cli/cli_processes.ts";
import { fillableDisk, unsyncableDisk } from "../../support/cli/failing_disks.ts";
import { test } from "../../harness.ts";

const NAME = "acme/chat";
const SERVER = "http://127.0.0.1:9";
const SLOW = { timeout: 120_000 };

function sending(cwd: string, server: string, key = "key"): Surroundings {
  return { cwd, env: { WF_TRACE_SERVER_URL: server, WANDB_API_KEY: key } };
}

async function statusOf(surroundings: Surroundings) {
  const { out } = await cli(["status", "--json"], surroundings);
  return JSON.parse(out);
}

test("status shows dropped records and why, and a check fails on them", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME, { server: SERVER, maxDiskBytes: 3_000 });
  writeCalls(log, NAME, 20);
  const { dropped } = await log.stats();
  await log.finish();
  assert.ok(dropped["quota-new"] > 0);
  const around = sending(place.path, SERVER);
  const { droppedRecords, projects: [project], advice } = await statusOf(around);
  assert.equal(droppedRecords, dropped["quota-new"]);
  assert.deepEqual(project.dropped.byReason, { "quota-new": dropped["quota-new"] });
  const { message } = advice.find(({ name }: { name: string }) => name === "dropped");
  assert.match(message, /^\d+ records lost \(\d+ records: maxDiskBytes reached\)/);
  const { out } = await cli(["status"], around);
  assert.match(out, /· \d+ records dropped/);
  assert.match(out, /DEAD LETTERS +DROPPED +SENDER/);
  const unsent = await cli(["status", "--fail-if-unsent"], around);
  assert.match(unsent.err, /--fail-if-unsent\): acme\/chat: \d+ records pending, and no process/);
  const check = await cli(["status", "--fail-if-dropped", "--fail-if-dead-letters"], around);
  assert.equal(check.code, 1);
  assert.match(check.err, /^Check failed \(--fail-if-dropped\): acme\/chat: \d+ records dropped/);
  assert.ok(!check.err.includes("--fail-if-dead-letters"));
}, SLOW);

test("status shows a full disk and the records that exist only in memory", async () => {
  await using place = await temporary();
  const { runtime, fill } = fillableDisk();
  const log = openLog(place.wal, NAME, { server: SERVER, runtime });
  writeCalls(log, NAME, 2);
  fill();
  writeCalls(log, NAME, 3);
  // The next heartbeat reports the number of records at that time.
  const around = sending(place.path, SERVER);
  let report = await statusOf(around);
  while (report.memoryRecords < 6) report = await statusOf(around);
  const { projects: [{ logs: [reported], pendingRecords }], advice } = report;
  assert.equal(pendingRecords, 4);
  assert.deepEqual([reported.kind, reported.memory.records], ["memory", 6]);
  assert.match(reported.diskError.message, /no space left on device/);
  assert.equal(reported.diskError.code, "ENOSPC");
  const { message } = advice.find(({ name }: { name: string }) => name === "disk-error");
  assert.match(message, /no space left on device.* 6 records \(.*\) in its memory only/);
  const check = await cli(["status", "--fail-if-in-memory"], around);
  assert.equal(check.code, 1);
  assert.match(check.err, /--fail-if-in-memory\): acme\/chat: 6 records in memory only \(ENOSPC/);
  await log.finish();
  const after = await statusOf(around);
  assert.equal(after.memoryRecords, 0);
  assert.deepEqual(after.projects[0].dropped.byReason, { "lost-in-memory": 6 });
}, SLOW);

test("status shows that records cannot be fsynced, and a check fails on it", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME, { server: SERVER, runtime: unsyncableDisk() });
  writeCalls(log, NAME, 3);
  await assert.rejects(log.sync(), { code: "ENOTSUP" });
  const around = sending(place.path, SERVER);
  let report = await statusOf(around);
  while (report.projects[0].logs[0].syncError === null) report = await statusOf(around);
  const { kind, syncError, diskError } = report.projects[0].logs[0];
  assert.deepEqual([kind, syncError.code, diskError], ["file", "ENOTSUP", null]);
  assert.ok(Date.parse(syncError.at) > 0);
  const { message } = report.advice.find(({ name }: { name: string }) =>
    name === "sync-unsupported"
  );
  assert.match(
    message,
    /^Cannot fsync the log of pid \d+ for .*: ENOTSUP.*may be lost if the machine/,
  );
  const check = await cli(["status", "--fail-if-unsynced", "--fail-if-in-memory"], around);
  assert.equal(check.code, 1);
  assert.match(
    check.err,
    /^Check failed \(--fail-if-unsynced\): acme\/chat: cannot fsync the log of pid \d+: ENOTSUP.*\n$/,
  );
  const metrics = (await cli(["status", "--openmetrics"], around)).out;
  assert.match(metrics, /^weave_wal_sync_failing\{.*code="ENOTSUP"\} 1$/m);
  await log.finish();
  assert.equal((await cli(["status", "--fail-if-unsynced"], around)).code, 0);
}, SLOW);

test("status shows the usage of the quota, and the policy at its limit", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME, { server: SERVER });
  writeCalls(log, NAME, 1);
  const around = sending(place.path, SERVER);
  const fullAt = Date.now() + 3 * 3_600_000 + 59_000;
  const quota = { usedBytes: 812_000_000, maxBytes: 1_000_000_000, policy: "drop-new", fullAt };
  const [file] = presenceFiles(place.wal);
  await log.finish();
  const known = JSON.parse(detectRuntime().files.readText(file));
  changePresence(place.wal, { ended: false, log: { ...known.log, quota } });
  const { projects: [project], advice } = await statusOf(around);
  assert.deepEqual(project.quota, { ...quota, fullAt: new Date(fullAt).toISOString() });
  const { message } = advice.find(({ name }: { name: string }) => name === "quota");
  assert.match(
    message,
    /^81% of maxDiskBytes used \(812 MB of 1\.0 GB, full in 3 h.* at the present rate\); at the limit/,
  );
  const check = await cli(["status", "--fail-if-quota", "80%"], around);
  assert.equal(check.code, 1);
  assert.equal(
    check.err,
    "Check failed (--fail-if-quota): acme/chat: 81% of maxDiskBytes used, over 80%\n",
  );
  assert.equal((await cli(["status", "--fail-if-quota", "81"], around)).code, 0);
}, SLOW);

test("status reports records that wait for a suspended sender", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await mock.stop();
  const writer = startProgram("tests/support/cli/cli_writer.ts", [NAME, mock.url, "3", "key"], {
    cwd: place.path,
  });
  await writer.sees("ready");
  process.kill(writer.pid, "SIGSTOP");
  for (const file of presenceFiles(place.wal)) {
    utimesSync(file, new Date(), new Date(Date.now() - 60_000));
  }
  const { projects: [project], advice } = await statusOf(sending(place.path, mock.url));
  assert.deepEqual(project.writers, { unresponsive: 1 });
  assert.equal(project.sender.state, "unresponsive");
  const { message } = advice.find(({ name }: { name: string }) => name === "unresponsive");
  assert.match(
    message,
    /^6 records wait for pid \d+, which has sent no heartbeat for .* suspended/,
  );
  writer.kill("SIGKILL");
  await writer.ended;
}, SLOW);

test("a check of a project or a directory that does not exist is an error", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME, { server: SERVER });
  writeCalls(log, NAME, 1);
  await log.finish();
  const around = sending(place.path, SERVER);
  const typo = await cli(["status", "--project", "acme/chta", "--fail-if-older", "10m"], around);
  assert.equal(typo.code, 2);
  assert.match(typo.err, /Cannot find a log of acme\/chta in/);
  assert.match(typo.err, /Projects with logs there: acme\/chat/);
  const nowhere = join(place.path, "nowhere");
  const wrong = await cli(["status", "--dir", nowhere, "--fail-if-dropped"], around);
  assert.deepEqual([wrong.code, wrong.err.includes("Cannot find a log in")], [2, true]);
  const plain = await cli(["status", "--project", "chta"], around);
  assert.deepEqual([plain.code, plain.out.includes("Cannot find a log of project chta")], [
    0,
    true,
  ]);
  const flush = await cli(["flush", "--project", "acme/chta"], around);
  assert.match(flush.out, /Cannot find a log of acme\/chta in/);
}, SLOW);

test("--server means the logs for that server in every command", async () => {
  await using place = await temporary();
  const own = openLog(place.wal, NAME, { server: SERVER });
  writeCalls(own, NAME, 1);
  await own.finish();
  const other = openLog(place.wal, NAME, { server: "https://trace.example.com" });
  writeCalls(other, NAME, 3);
  await other.finish();
  const around = sending(place.path, SERVER);
  const run = async (...args: string[]) =>
    (await cli([...args, "--server", "https://trace.example.com/"], around)).out;
  assert.equal(JSON.parse(await run("status", "--json")).pendingRecords, 6);
  assert.equal(JSON.parse(await run("verify", "--json")).records, 6);
  assert.equal((await run("inspect", "--json")).trim().split("\n").length, 6);
  assert.match(await run("dead-letters", "list"), /No dead letters/);
}, SLOW);

test("flush ends at once alongside a process whose key the server rejects", async () => {
  await using place = await temporary();
  await using mock = await startMockServer({ apiKey: "right" });
  const writer = startProgram("tests/support/cli/cli_writer.ts", [NAME, mock.url, "3", "wrong"], {
    cwd: place.path,
  });
  await writer.sees("ready");
  const around = sending(place.path, mock.url, "right");
  const { code, out } = await cli(["flush"], around);
  assert.equal(code, 1, out);
  assert.match(out, /^Still on disk: .* in 1 file; the server rejects what is sent; last error: /);
  assert.match(out, new RegExp(`\\(pid ${writer.pid}\\)`));
  assert.match(out, new RegExp(`1 file drained by pid ${writer.pid} \\(alive\\), which wrote it`));
  const check = await cli(["status", "--fail-if-blocked"], around);
  assert.equal(check.code, 1);
  assert.match(check.err, /--fail-if-blocked\): acme\/chat: delivery is blocked: /);
  const { projects: [{ sender }] } = await statusOf(around);
  assert.deepEqual([sender.state, sender.by.pid, sender.by.as], ["blocked", writer.pid, "writer"]);
  writer.kill("SIGKILL");
  await writer.ended;
}, SLOW);

test("flush wakes a process in a backoff, and counts the records it sent", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await mock.stop();
  const writer = startProgram("tests/support/cli/cli_writer.ts", [NAME, mock.url, "3", "key"], {
    cwd: place.path,
  });
  await writer.sees("ready");
  const around = sending(place.path, mock.url);
  let report = await statusOf(around);
  while (report.senders[0]?.state !== "down") report = await statusOf(around);
  const { message } = report.advice.find(({ name }: { name: string }) => name === "server-down");
  assert.match(message, /6 records pending on disk/);
  assert.match(message, /It (?:tries again in [\d.]+ m?s|is trying again now)$/);
  assert.ok(Date.parse(report.senders[0].nextAttempt) > 0);
  const down = await cli(["status", "--fail-if-down", "0s", "--fail-if-unsent"], around);
  assert.equal(down.code, 1);
  assert.match(
    down.err,
    /^Check failed \(--fail-if-down\): acme\/chat: http:.* has been unreachable/,
  );

  const flush = startCli(["flush"], around);
  // Its presence file shows that it has seen the pending records.
  while (presenceFiles(place.wal).length < 2) await statusOf(around);
  await mock.restart();
  const { code, out } = await flush.ended;
  assert.equal(code, 0, out);
  assert.match(out, /^Delivered by other processes: .* of log\n$/);
  assert.equal(mock.store.finishedCount(NAME), 3);
  writer.kill("SIGKILL");
  await writer.ended;
}, SLOW);
