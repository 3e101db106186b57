import assert from "node:assert/strict";
import { utimesSync } from "node:fs";
import process from "node:process";
import { createColors } from "picocolors";
import { runCommand } from "../../../src/cli/program.ts";
import { commandIds } from "../../../src/cli/context.ts";
import { DirectorySender } from "../../../src/cli/flush/directory_sender.ts";
import { commandSettings } from "../../../src/cli/settings.ts";
import type { Output } from "../../../src/cli/terminal/terminal.ts";
import type { Runtime } from "../../../src/runtime/runtime.ts";
import { writerToken } from "../../../src/wal/segment/segment_name.ts";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { cli } from "../../support/cli/cli.ts";
import { presenceFiles } from "../../support/cli/cli_processes.ts";
import { startProgram, temporary } from "../../support/cli/cli_support.ts";
import { fillableDisk, readOnlyDisk } from "../../support/cli/failing_disks.ts";
import { dataFiles, KEY, leave, sending } from "../../support/cli/flush_fixture.ts";
import { openLog, writeCalls } from "../../support/cli/written_logs.ts";
import { test } from "../../harness.ts";

const NAME = "acme/chat";
const SLOW = { timeout: 120_000 };

/** Suspends a process; its last heartbeat is a minute ago. */
function suspend(pid: number, wal: string): void {
  process.kill(pid, "SIGSTOP");
  for (const file of presenceFiles(wal)) {
    utimesSync(file, new Date(), new Date(Date.now() - 60_000));
  }
}

test("flush does not wait for a suspended process that sends its own records", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await mock.stop();
  const writer = startProgram("tests/support/cli/cli_writer.ts", [NAME, mock.url, "3", KEY], {
    cwd: place.path,
  });
  await writer.sees("ready");
  suspend(writer.pid, place.wal);
  await mock.restart();
  const { code, out } = await cli(["flush"], sending(place.path, mock.url));
  assert.equal(code, 1, out);
  const who = `pid ${writer.pid}`;
  assert.match(
    out,
    /^Still on disk: .* in 1 file; the processes that may send it do not respond; /,
  );
  assert.match(out, new RegExp(`last error: no heartbeat \\(${who}\\)`));
  assert.match(
    out,
    new RegExp(`Only ${who} may send these records while it runs. It is suspended`),
  );
  assert.equal(mock.store.finishedCount(NAME), 0);
  process.kill(writer.pid, "SIGCONT");
  const again = await cli(["flush"], sending(place.path, mock.url));
  assert.equal(again.code, 0, again.out);
  assert.equal(mock.store.finishedCount(NAME), 3);
  writer.kill("SIGKILL");
  await writer.ended;
}, SLOW);

test("flush sends the records of a suspended process whose sender is off", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  const writer = startProgram("tests/support/cli/cli_writer.ts", [NAME, mock.url, "3"], {
    cwd: place.path,
  });
  await writer.sees("ready");
  suspend(writer.pid, place.wal);
  const { code, out } = await cli(["flush"], sending(place.path, mock.url));
  assert.equal(code, 0, out);
  assert.equal(mock.store.finishedCount(NAME), 3);
  writer.kill("SIGKILL");
  await writer.ended;
}, SLOW);

test("flush reports records that only the memory of another process holds", async () => {
  await using place = await temporary();
  await using mock = await startMockServer({ apiKey: KEY });
  const { runtime, fill } = fillableDisk();
  const log = openLog(place.wal, NAME, { server: mock.url, key: "a-revoked-key", runtime });
  writeCalls(log, NAME, 2);
  fill();
  writeCalls(log, NAME, 3);
  const around = sending(place.path, mock.url);
  const inMemory = async (): Promise<number> =>
    JSON.parse((await cli(["status", "--json"], around)).out).memoryRecords;
  while (await inMemory() < 6);
  const { code, out } = await cli(["flush"], around);
  assert.equal(code, 1, out);
  assert.match(out, /^Still on disk: .* in 1 file; the server rejects what is sent; last error: /);
  const who = `pid ${process.pid}`;
  assert.match(
    out,
    new RegExp(`Not sent: 6 records \\(.*\\) in the memory of ${who} only, whose disk`),
  );
  const { done, inMemory: held } = JSON.parse((await cli(["flush", "--json"], around)).out);
  assert.deepEqual([done, held.records, held.processes], [false, 6, [who]]);
  await log.finish({ timeout: 0 });
}, SLOW);

/** A runtime with the environment of a command that sends to `server`. */
function surroundedBy(runtime: Runtime, home: string, server: string): Runtime {
  const env: Record<string, string> = {
    WF_TRACE_SERVER_URL: server,
    WANDB_API_KEY: KEY,
    HOME: home,
  };
  const process = Object.create(runtime.process, { env: { value: (name: string) => env[name] } });
  return { ...runtime, process };
}

test("flush ends where the disk does not let it change the log", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await leave(place.wal, NAME, mock.url, 2);
  let text = "";
  const output = {
    isTerminal: false,
    colors: createColors(false),
    columns: undefined,
    rows: undefined,
    write: (part: string) => Promise.resolve(void (text += part)),
  } as unknown as Output;
  const { runtime } = readOnlyDisk();
  const code = await runCommand(["flush", "--dir", place.wal], {
    runtime: surroundedBy(runtime, place.path, mock.url),
    terminal: { out: output, err: output } as never,
    stop: new AbortController().signal,
  });
  assert.equal(code, 1, text);
  assert.match(
    text,
    /Still on disk: .* in 1 file; the log cannot be changed on this disk; last error: .*EROFS/,
  );
  assert.equal(mock.store.finishedCount(NAME), 0);
}, SLOW);

test("a disk that refuses changes only for a while does not count as one that does", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await leave(place.wal, NAME, mock.url, 2);
  const disk = readOnlyDisk();
  const runtime = surroundedBy(disk.runtime, place.path, mock.url);
  const newId = commandIds(runtime);
  let sender: DirectorySender;
  await new Promise<void>((resolve) => {
    sender = new DirectorySender({
      runtime,
      settings: commandSettings(runtime, { dir: place.wal }, "needed"),
      filter: {},
      token: writerToken(newId(), mock.url),
      newId,
      onEvent: ({ name }) => name === "disk-error" && resolve(),
    });
    sender.start();
  });
  assert.ok(sender!.isUnwritable);
  disk.remount();
  while (mock.store.finishedCount(NAME) < 2 || dataFiles(place.wal, NAME).length > 0) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await sender!.stop();
  assert.equal(sender!.isUnwritable, false);
}, SLOW);
