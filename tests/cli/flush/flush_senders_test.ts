import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import process from "node:process";
import { join } from "@std/path";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { cli } from "../../support/cli/cli.ts";
import { startCli, startProgram, temporary } from "../../support/cli/cli_support.ts";
import { openLog, writeCalls } from "../../support/cli/written_logs.ts";
import { dataFiles, KEY, leave, sending } from "../../support/cli/flush_fixture.ts";
import { test } from "../../harness.ts";

const NAME = "acme/chat";

const SLOW = { timeout: 120_000 };

test("flush sends the records of a running writer, and leaves its file in place", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  const writer = startProgram("tests/support/cli/cli_writer.ts", [NAME, mock.url, "8"], {
    cwd: place.path,
  });
  await writer.sees("ready");
  const { code, out } = await cli(["flush", "--json"], sending(place.path, mock.url));
  assert.equal(code, 0, out);
  const { done, delivered, pendingBytes } = JSON.parse(out);
  assert.deepEqual({ done, delivered, pendingBytes }, {
    done: true,
    delivered: 16,
    pendingBytes: 0,
  });
  assert.equal(mock.store.finishedCount(NAME), 8);
  assert.equal(dataFiles(place.wal, NAME).length, 1);
  assert.ok(!existsSync(join(place.wal, NAME, ".recovery")), "the lease is left");
  writer.kill("SIGKILL");
  await writer.ended;
}, SLOW);

test("flush waits for segments held by another sender instead of taking them over", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await leave(place.wal, NAME, mock.url, 3);
  const gate = mock.faults.add({ path: /calls\/complete|upsert/, hang: true });
  const sidecar = startCli(["flush", "--follow"], sending(place.path, mock.url));
  await mock.waitFor(() => gate.hits > 0, { timeout: 60_000 });
  const held = await cli(["flush", "--timeout", "500ms"], sending(place.path, mock.url));
  assert.equal(held.code, 1);
  assert.match(
    held.out,
    new RegExp(`1 file drained by pid ${sidecar.pid} \\(alive\\), which holds the recovery`),
  );
  const waiting = startCli(["flush"], sending(place.path, mock.url));
  sidecar.kill("SIGKILL"); // Its lease expires at once: the process is known to be dead.
  await sidecar.ended;
  gate.remove();
  const { code, out } = await waiting.ended;
  assert.equal(code, 0, out);
  assert.equal(mock.store.finishedCount(NAME), 3);
}, SLOW);

test(
  "flush lets a running process try again that the server rejected, and sends what it may now",
  async () => {
    await using place = await temporary();
    await using mock = await startMockServer();
    const refusal = mock.faults.add({ status: 401 });
    const log = openLog(place.wal, NAME, { server: mock.url, key: KEY });
    writeCalls(log, NAME, 3);
    assert.equal((await log.delivered(60_000)).end, "unreachable");
    refusal.remove();
    const { code, out } = await cli(["flush"], sending(place.path, mock.url));
    assert.equal(code, 0, out);
    assert.match(out, /Delivered by other processes: /);
    assert.equal(
      mock.store.finishedCount(NAME),
      3,
      "its own sender sent them, long before its time",
    );
    await log.finish({ timeout: 0 });
  },
  SLOW,
);

test(
  "flush says that a running process cannot send its own records, and what helps",
  async () => {
    await using place = await temporary();
    await using mock = await startMockServer({ apiKey: KEY });
    const log = openLog(place.wal, NAME, { server: mock.url, key: "a-revoked-key" });
    await leave(place.wal, NAME, mock.url, 2); // An orphaned segment, which any sender may send.
    writeCalls(log, NAME, 3);
    assert.equal((await log.delivered(60_000)).end, "unreachable");
    const { code, out } = await cli(["flush"], sending(place.path, mock.url));
    assert.equal(code, 1);
    assert.match(out, /Still on disk: .* in 1 file; the server rejects what is sent; last error: /);
    const who = `pid ${process.pid}`;
    assert.match(out, new RegExp(`1 file drained by ${who} \\(alive\\), which wrote it`));
    assert.match(out, new RegExp(`Only ${who} may send these records while it runs. End it, and `));
    assert.equal(
      mock.store.finishedCount(NAME),
      2,
      "the orphan is sent, the key of flush is accepted",
    );
    await log.finish({ timeout: 0 });
    const again = await cli(["flush"], sending(place.path, mock.url));
    assert.equal(again.code, 0, again.out);
    assert.equal(mock.store.finishedCount(NAME), 5);
  },
  SLOW,
);
