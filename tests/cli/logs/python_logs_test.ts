import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { appendFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "@std/path";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { cliProcess, type Surroundings, temporary } from "../../support/cli/cli_support.ts";
import { test } from "../../harness.ts";

const NAME = "acme/chat";
const SLOW = { timeout: 120_000 };
const KEY = "a-secret-key-0123456789";
const OTHER_KEY = "another-key-0123456789";

function keyed(key: string): string {
  return join(NAME, createHash("sha256").update(key).digest("hex"));
}

/** An environment of a program that names no directory for the logs. */
function unnamed(cwd: string, server: string): Surroundings {
  const env = { WF_TRACE_SERVER_URL: server, WANDB_API_KEY: KEY, WEAVE_WAL_DIR: "" };
  return { cwd, env };
}

let calls = 0;

/** The two records of a call, as written by the Python SDK. */
function recordsOf(op_name: string): string[] {
  const id = `01a20642-0000-7000-8000-${String(++calls).padStart(12, "0")}`;
  const fields = { project_id: NAME, id, trace_id: id, started_at: "2026-05-01T12:00:00.000000Z" };
  const start = { ...fields, op_name, attributes: {}, inputs: {}, parent_id: null };
  const end = { ...fields, ended_at: "2026-05-01T12:00:01.000000Z", summary: {}, output: 1 };
  return [
    `{"type":"call_start","req":${JSON.stringify({ start })}}\n`,
    `{"type":"call_end","req":${JSON.stringify({ end })}}\n`,
  ];
}

/** Leaves the log of a killed Python program, with one call of this name. */
function leave(root: string, directory: string, op: string): string {
  mkdirSync(join(root, directory), { recursive: true });
  const token = String(++calls).padStart(32, "0");
  const stem = join(root, directory, `01700000000000000000_${token}`);
  writeFileSync(`${stem}.lock`, "1999999999");
  writeFileSync(`${stem}.jsonl`, recordsOf(op).join(""));
  return stem;
}

test(
  "status and flush find the Python SDK's logs by themselves, and flush sends only its key's",
  async () => {
    await using place = await temporary();
    await using mock = await startMockServer();
    const root = join(place.path, ".weave", "wal");
    const work = join(place.path, "work");
    mkdirSync(work);
    leave(root, keyed(KEY), "ours");
    leave(root, keyed(OTHER_KEY), "theirs");
    leave(root, NAME, "unknown");
    const surroundings = unnamed(work, mock.url);
    const env = { ...surroundings.env, HOME: place.path };

    const status = await cliProcess(["status"], { cwd: work, env });
    assert.match(status.out, /\sand \S*\/\.weave\/wal · 3 projects · 3 files · 6 records/);
    assert.match(status.out, /acme\/chat \(Python, key [0-9a-f]{8}\) /);
    assert.match(status.out, /written with an API key that is not the one in use/);
    assert.match(
      status.out,
      /weave-wal flush --entity acme --project chat --dir \S*\/\.weave\/wal$/m,
    );
    const json = JSON.parse((await cliProcess(["status", "--json"], { cwd: work, env })).out);
    assert.equal(json.pendingRecords, 6);

    const flush = await cliProcess(["flush"], { cwd: work, env });
    assert.equal(flush.code, 0, flush.out + flush.err);
    assert.match(flush.out, /^Delivered 2 records /);
    assert.deepEqual(mock.store.calls(NAME).map(({ op_name }) => op_name), ["ours"]);
    assert.deepEqual(readdirSync(join(root, keyed(KEY))), []);
    assert.equal(readdirSync(join(root, keyed(OTHER_KEY))).length, 2, "left alone");

    const named = await cliProcess(["flush", "--dir", root], { cwd: work, env });
    assert.equal(named.code, 0, named.out + named.err);
    assert.deepEqual(mock.store.calls(NAME).map(({ op_name }) => op_name), ["ours", "unknown"]);
    assert.equal(readdirSync(join(root, keyed(OTHER_KEY))).length, 2, "left alone");
  },
  SLOW,
);

test(
  "both layouts of the Python SDK are verified and inspected below a root that is named",
  async () => {
    await using place = await temporary();
    leave(place.wal, NAME, "older");
    leave(place.wal, keyed(KEY), "newer");
    const inspected = await cliProcess(["inspect", "--json"], { cwd: place.path });
    const starts = inspected.out.trim().split("\n").map((line) => JSON.parse(line))
      .filter(({ type }) => type === "call_start");
    assert.deepEqual(starts.map(({ req }) => req.start.op_name), ["older", "newer"]);
    const { out } = await cliProcess(["verify", "--json"], { cwd: place.path });
    const { files, records } = JSON.parse(out);
    assert.deepEqual({ files, records }, { files: 2, records: 4 });
  },
  SLOW,
);

test(
  "dead letters of the Python SDK, which name no reason, are listed and sent again",
  async () => {
    await using place = await temporary();
    await using mock = await startMockServer();
    const root = join(place.path, ".weave", "wal");
    const stem = leave(root, keyed(KEY), "waiting");
    for (const line of recordsOf("set-aside")) appendFileSync(`${stem}.deadletter`, line);
    // Dead letters that this package wrote for such a log.
    const error = ',"error":{"reason":"refused","status":400}}\n';
    for (const line of recordsOf("refused")) {
      appendFileSync(`${stem}.deadletter`, line.replace(/\}\n$/, error));
    }
    appendFileSync(`${stem}.deadletter`, '{"no":"record"}\n');
    const surroundings = unnamed(place.path, mock.url);

    const list = await cliProcess(["dead-letters", "list"], surroundings);
    assert.match(list.out, /3 +unknown/);
    assert.match(list.out, /5 dead letters/);
    const retry = await cliProcess(["dead-letters", "retry"], surroundings);
    assert.equal(retry.code, 0, retry.out + retry.err);
    assert.match(retry.out, /^Delivered 4 of 4 dead letters$/m);
    const names = mock.store.calls(NAME).map(({ op_name }) => op_name);
    assert.deepEqual(names.sort(), ["refused", "set-aside"]);
    const left = await cliProcess(["dead-letters", "list"], surroundings);
    assert.match(left.out, /1 dead letter$/m);
  },
  SLOW,
);

test(
  "dead letters of the Python SDK's logs name the server that rejected them, and are sent again there",
  async () => {
    await using place = await temporary();
    await using mock = await startMockServer();
    const root = join(place.path, ".weave", "wal");
    const fault = mock.faults.add({ bodyHas: "rejected", status: 422 });
    leave(root, NAME, "rejected");
    const surroundings = unnamed(place.path, mock.url);
    const named = ["--dir", root];
    await cliProcess(["flush", ...named], surroundings);
    assert.equal(mock.store.callCount(NAME), 0);
    fault.remove();

    await using other = await startMockServer();
    const elsewhere = unnamed(place.path, other.url);
    await cliProcess(["dead-letters", "retry", ...named], elsewhere);
    assert.equal(other.store.callCount(NAME), 0, "it was written for another server");
    const retry = await cliProcess(["dead-letters", "retry", ...named], surroundings);
    assert.equal(retry.code, 0, retry.out + retry.err);
    assert.equal(mock.store.finishedCount(NAME), 1);
  },
  SLOW,
);
