import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "@std/path";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { cli } from "../../support/cli/cli.ts";
import { type Running, startCli, startProgram, temporary } from "../../support/cli/cli_support.ts";
import { openLog, writeCalls } from "../../support/cli/written_logs.ts";
import { presenceFiles } from "../../support/cli/cli_processes.ts";
import { CTRL_C, noTerminal, plain, startInTerminal } from "../../support/cli/cli_terminal.ts";
import { sending } from "../../support/cli/flush_fixture.ts";
import { test } from "../../harness.ts";

const SLOW = { timeout: 180_000 };
const PATIENT = { timeout: 90_000 };

function filesBelow(wal: string): string[] {
  if (!existsSync(wal)) return [];
  return (readdirSync(wal, { recursive: true }) as string[]).filter((name) =>
    !name.startsWith(".") && /\.[a-z]+(\.\d+)?$/.test(name)
  );
}

/** The IDs of calls that a writer reported as logged; its last line may be torn. */
function idsOf(writer: Running): string[] {
  return writer.out().split("\n").slice(0, -1).filter((line) => line !== "");
}

test("follow picks up projects as they appear and ends with 0 on SIGTERM", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  const sidecar = startCli(["flush", "--follow"], sending(place.path, mock.url));
  await sidecar.sees("Following");
  for (const name of ["acme/first", "acme/second"]) {
    const log = openLog(place.wal, name, { server: mock.url });
    writeCalls(log, name, 4);
    await mock.waitFor((store) => store.finishedCount(name) === 4, PATIENT);
    await log.finish();
  }
  sidecar.kill("SIGTERM");
  const { code, err } = await sidecar.ended;
  assert.equal(code, 0, err);
  assert.match(err, /Ended: 16 records sent, nothing is left/);
  assert.ok(!err.includes("a-secret-key"));
}, SLOW);

test("follow continues to send after SIGTERM within its grace period, and no longer", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  const log = openLog(place.wal, "acme/chat", { server: mock.url });
  writeCalls(log, "acme/chat", 3);
  await log.finish();
  const once = mock.faults.add({ path: /calls\/complete|upsert/, times: 1, status: 503 });
  const args = ["flush", "--follow", "--grace", "60s"];
  const patient = startCli(args, sending(place.path, mock.url));
  await mock.waitFor(() => once.hits > 0, PATIENT);
  patient.kill("SIGTERM");
  assert.equal((await patient.ended).code, 0);
  assert.equal(mock.store.finishedCount("acme/chat"), 3);

  const more = openLog(place.wal, "acme/chat", { server: mock.url });
  writeCalls(more, "acme/chat", 3);
  await more.finish();
  const never = mock.faults.add({ path: /calls\/complete|upsert/, hang: true });
  const hasty = startCli(
    ["flush", "--follow", "--grace", "300ms"],
    sending(place.path, mock.url),
  );
  await mock.waitFor(() => never.hits > 0, PATIENT);
  hasty.kill("SIGTERM");
  const { code, err } = await hasty.ended;
  assert.equal(code, 0);
  assert.match(err, /Ended: 0 records sent, .* left/);
  const left = filesBelow(place.wal);
  assert.ok(left.some((name) => name.endsWith(".jsonl")));
  assert.ok(!existsSync(join(place.wal, "acme/chat", ".recovery")), "the lease is left");
}, SLOW);

test("follow does not send the logs of other servers", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  const other = openLog(place.wal, "acme/other", { server: "https://trace.example.com" });
  writeCalls(other, "acme/other", 2);
  await other.finish();
  const own = openLog(place.wal, "acme/own", { server: mock.url });
  writeCalls(own, "acme/own", 2);
  await own.finish();
  const sidecar = startCli(["flush", "--follow"], sending(place.path, mock.url));
  await mock.waitFor((store) => store.finishedCount("acme/own") === 2, PATIENT);
  sidecar.kill("SIGTERM");
  assert.equal((await sidecar.ended).code, 0);
  assert.deepEqual(mock.store.projects.map(({ id }) => id), ["acme/own"]);
  const left = filesBelow(place.wal).map((name) => name.replace(/\d{20}_[0-9a-f]{32}/, "segment"));
  assert.deepEqual(left.sort(), ["acme/other/segment.jsonl"]);
}, SLOW);

test("status reports since when a sidecar cannot reach the server", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await mock.stop();
  const log = openLog(place.wal, "acme/chat", { server: mock.url });
  writeCalls(log, "acme/chat", 2);
  const surroundings = sending(place.path, mock.url);
  const sidecar = startCli(["flush", "--follow", "--json"], surroundings);
  await sidecar.sees("server-down");
  const { out } = await cli(["status", "--json"], surroundings);
  const { projects: [{ sender }], senders: [note], advice } = JSON.parse(out);
  assert.equal(sender.state, "down");
  assert.equal(sender.by.pid, sidecar.pid);
  assert.equal(note.server, mock.url);
  assert.equal(note.state, "down");
  // The wording varies by host; without a reason, the message would be useless.
  assert.match(note.reason, /refused/i);
  assert.deepEqual(advice.map(({ name }: { name: string }) => name), ["server-down"]);
  const { out: text } = await cli(["status"], surroundings);
  assert.match(text, /down: .* since .* \(pid \d+\)/);
  await mock.restart();
  await sidecar.sees("server-up");
  const again = JSON.parse((await cli(["status", "--json"], surroundings)).out);
  assert.equal(again.projects[0].sender.state, "sending");
  assert.match(again.projects[0].sender.lastError.message, /refused/i);
  assert.deepEqual(again.advice.map(({ name }: { name: string }) => name), ["last-error"]);
  sidecar.kill("SIGINT");
  const ended = await sidecar.ended;
  assert.equal(ended.code, 130);
  const events = ended.out.trim().split("\n").map((line) => JSON.parse(line));
  for (const { event } of events) assert.ok(event);
  const { message } = events.find(({ event }) => event === "server-down");
  assert.match(message, /refused.*\. 4 records of acme\/chat are pending, safe on disk$/i);
  assert.equal(presenceFiles(place.wal).length, 1, "the presence file of the sender is left");
  await log.finish();
}, SLOW);

test("follow shows one moving line in a terminal", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  const log = openLog(place.wal, "acme/chat", { server: mock.url });
  writeCalls(log, "acme/chat", 5);
  await log.finish();
  const sidecar = startInTerminal(["flush", "--follow"], sending(place.path, mock.url));
  await sidecar.sees("10 records sent");
  sidecar.type(CTRL_C);
  const { code, out } = await sidecar.ended;
  assert.equal(code, 130, out);
  assert.match(plain(out), /10 records sent · [\d,]+\/s · 0 B waiting/);
  assert.match(plain(out), /Ended: 10 records sent, nothing is left/);
}, { ...SLOW, skip: noTerminal });

test(
  "four writers and a sidecar: writers killed, the sidecar killed and replaced, all arrives once",
  async () => {
    await using place = await temporary();
    await using mock = await startMockServer();
    const surroundings = sending(place.path, mock.url);
    const startWriter = (name: string): Running =>
      startProgram("tests/support/cli/cli_writer.ts", [name, mock.url, "forever"], surroundings);
    const names = ["acme/chat", "acme/chat", "acme/eval", "beta/chat"];
    const writers = names.map(startWriter);
    const finished = () => mock.store.finishedCount();

    const first = startCli(["flush", "--follow"], surroundings);
    await mock.waitFor(() => finished() >= 200, PATIENT);
    writers[0].kill("SIGKILL");
    writers[2].kill("SIGKILL");
    await Promise.all([writers[0].ended, writers[2].ended]);
    await mock.waitFor(() => finished() >= 400, PATIENT);
    first.kill("SIGKILL");
    await first.ended;

    const missed = finished();
    const second = startCli(["flush", "--follow"], surroundings);
    names.push("gamma/new");
    writers.push(startWriter("gamma/new"));
    await mock.waitFor(
      (store) => finished() >= missed + 200 && store.finishedCount("gamma/new") >= 20,
      PATIENT,
    );
    for (const writer of [writers[1], writers[3], writers[4]]) writer.kill("SIGKILL");
    await Promise.all(writers.map(({ ended }) => ended));
    const written = writers.map(idsOf);
    await mock.waitFor(
      (store) =>
        written.every((ids, index) => {
          const calls = new Set(
            store.calls(names[index]).filter(({ ended_at }) => ended_at).map(({ id }) => id),
          );
          return ids.every((id) => calls.has(id));
        }),
      PATIENT,
    );
    second.kill("SIGTERM");
    const { code, err } = await second.ended;
    assert.equal(code, 0, err);

    // Idempotent delivery: repeated requests changed nothing, and nothing else was
    // delivered.
    const known = new Set(written.flat());
    const unreported = mock.store.calls().filter(({ id }) => !known.has(id));
    assert.ok(
      unreported.length <= writers.length,
      `${unreported.length} calls that no writer reported`,
    );
    assert.equal(mock.store.counts.conflicts, 0);
    // A process that was killed during a write leaves a temporary file, which a later scan removes.
    assert.deepEqual(filesBelow(place.wal).filter((path) => !path.endsWith(".tmp")), []);
  },
  SLOW,
);
