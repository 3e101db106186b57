import assert from "node:assert/strict";
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "@std/path";
import { cli } from "../../support/cli/cli.ts";
import { startCli, temporary } from "../../support/cli/cli_support.ts";
import { endCall, openLog, startCall, writeCalls } from "../../support/cli/written_logs.ts";
import { test } from "../../harness.ts";

const NAME = "acme/chat";

const SLOW = { timeout: 120_000 };

const NOON = Date.parse("2026-05-01T12:00:00Z");

function dataFile(wal: string, name: string = NAME): string {
  const directory = join(wal, name);
  return join(directory, readdirSync(directory).find((file) => file.endsWith(".jsonl"))!);
}

test("inspect shows records as rows, with control characters escaped", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME);
  const call = startCall(log, NAME, { op: "answer", started: NOON });
  endCall(log, NAME, call, {
    started: NOON,
    ended: NOON + 1_500,
    exception: "ValueError: \u001b[2Jno\nway",
  });
  await log.finish();
  const { code, out } = await cli(["inspect"], { cwd: place.path });
  assert.equal(code, 0);
  const [titles, heading, start, end] = out.split("\n");
  assert.match(titles, /OFFSET +TIME +TYPE +CALL +STATE +SIZE +WHAT/);
  assert.match(heading, /^acme\/chat \d{20}_[0-9a-f]{32}\.jsonl .*0% sent, writer closed/);
  const short = call.id.slice(-12);
  assert.match(
    start,
    new RegExp(`^ +0 +2026-05-01 12:00:00.000 +call_start +${short} +pending .* answer$`),
  );
  assert.match(end, /2026-05-01 12:00:01.500 +call_end .* answer ✗ ValueError: \ufffd\[2Jno way$/);
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(out, /\u001b/);
}, SLOW);

test("inspect --json holds each request byte for byte", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME);
  const request =
    `{"project_id":"${NAME}","call_id":"x","display_name":"1.0 \\u00e9 ☃","n":12345678901234567890.10}`;
  log.append("call_update", request);
  writeCalls(log, NAME, 2);
  await log.finish();
  const { code, out } = await cli(["inspect", "--json"], { cwd: place.path });
  assert.equal(code, 0);
  const lines = out.trim().split("\n");
  assert.equal(lines.length, 5);
  assert.ok(lines[0].endsWith(`"type":"call_update","req":${request}}`), lines[0]);
  const data = readFileSync(dataFile(place.wal));
  for (const line of lines) {
    const { offset, length, entity, project, state } = JSON.parse(line);
    assert.deepEqual({ entity, project, state }, {
      entity: "acme",
      project: "chat",
      state: "pending",
    });
    const record = data.subarray(offset, offset + length).toString();
    assert.equal(
      record.slice(record.indexOf('"req":') + 6, -1),
      line.slice(line.indexOf('"req":') + 6, -1),
    );
  }
}, SLOW);

test("inspect finds records by type, by call and by time", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME);
  writeCalls(log, NAME, 3, { started: NOON, ended: NOON });
  const call = startCall(log, NAME, { started: NOON + 60_000 });
  log.append("calls_delete", JSON.stringify({ project_id: NAME, call_ids: [call.id] }));
  log.append("cost_create", JSON.stringify({ project_id: NAME, costs: {} }));
  await log.finish();
  const found = async (...args: string[]) => {
    const { code, out, err } = await cli(["inspect", "--json", ...args], { cwd: place.path });
    assert.equal(code, 0, err);
    return out.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line).type);
  };
  assert.deepEqual(await found("--type", "call_end,cost_create"), [
    "call_end",
    "call_end",
    "call_end",
    "cost_create",
  ]);
  assert.deepEqual(await found("--call", call.id), ["call_start", "calls_delete"]);
  assert.deepEqual(await found("--call", call.id.slice(-12)), ["call_start", "calls_delete"]);
  const later = ["call_start", "calls_delete", "cost_create"];
  assert.deepEqual(await found("--since", "2026-05-01T12:00:30Z"), later);
  assert.deepEqual(await found("--project", "acme/none"), []);
  const { code, err } = await cli(["inspect", "--type", "call"], { cwd: place.path });
  assert.equal(code, 2);
  assert.match(err, /"call" is not one of call_start, /);
}, SLOW);

test("inspect reads a number of records from an offset, and prints where to continue", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME);
  writeCalls(log, NAME, 5);
  await log.finish();
  const file = dataFile(place.wal);
  const ends = [...readFileSync(file)].flatMap((byte, at) => byte === 10 ? [at + 1] : []);
  const inside = ends[1] + 7; // Selects the next line.
  const { out } = await cli(["inspect", file, "--offset", `${inside}`, "--limit", "2"], {
    cwd: place.path,
  });
  const offsets = [...out.matchAll(/^ +(\d+) {2}\d{4}/gm)].map(([, offset]) => Number(offset));
  assert.deepEqual(offsets, [ends[2], ends[3]]);
  assert.match(out, new RegExp(`Shown: 2; --offset ${ends[4]} continues`));
  const { code, err } = await cli(["inspect", join(place.path, "nowhere")], { cwd: place.path });
  assert.equal(code, 2);
  assert.match(err, /nowhere" does not exist/);
}, SLOW);

test("inspect shows which records were sent and which are dead letters", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME);
  writeCalls(log, NAME, 2);
  await log.finish();
  const file = dataFile(place.wal);
  const [first, second] = [...readFileSync(file)].flatMap((byte, at) =>
    byte === 10 ? [at + 1] : []
  );
  writeFileSync(file.replace(".jsonl", ".checkpoint"), String(first));
  writeFileSync(
    file.replace(".jsonl", ".deadletter"),
    `{"type":"unreadable","error":{"reason":"corrupt","offset":${second}},"quarantine":{"offset":0,"length":9}}\n`,
  );
  const { out } = await cli(["inspect", "--json"], { cwd: place.path });
  const states = out.trim().split("\n").map((line) => JSON.parse(line).state);
  assert.deepEqual(states, ["sent", "pending", "dead letter", "pending"]);
}, SLOW);

test(
  "inspect leaves a line alone that its writer has not finished, and reports a torn one",
  async () => {
    await using place = await temporary();
    const log = openLog(place.wal, NAME);
    writeCalls(log, NAME, 1);
    const file = dataFile(place.wal);
    appendFileSync(file, '{"type":"call_start","req":{"start');
    const show = async () => (await cli(["inspect", "--json"], { cwd: place.path })).out;
    assert.equal((await show()).trim().split("\n").length, 2);
    await log.finish();
    const [torn] = (await show()).trim().split("\n").slice(2);
    assert.equal(JSON.parse(torn).corrupt, "torn");
  },
  SLOW,
);

test("inspect --follow shows records as they are written, and ends with the file", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME);
  const [first] = writeCalls(log, NAME, 1);
  const follow = startCli(["inspect", "--follow", "--type", "call_start"], { cwd: place.path });
  await follow.sees(first.slice(-12));
  const [second] = writeCalls(log, NAME, 1);
  await follow.sees(second.slice(-12));
  const other = openLog(place.wal, "acme/new");
  const [third] = writeCalls(other, "acme/new", 1);
  await follow.sees(third.slice(-12));
  follow.kill("SIGINT");
  const { code, out } = await follow.ended;
  assert.equal(code, 130);
  assert.equal(out.match(/call_start/g)?.length, 3);
  await log.finish();
  await other.finish();
}, SLOW);

test("inspect --follow keeps no file open between polls", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME);
  const [id] = writeCalls(log, NAME, 1);
  const follow = startCli(["inspect", "--follow", "--json"], { cwd: place.path });
  await follow.sees(id);
  const held = () =>
    readdirSync(`/proc/${follow.pid}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${follow.pid}/fd/${fd}`);
      } catch {
        return ""; // Closed in the meantime.
      }
    }).filter((path) => path.endsWith(".jsonl"));
  // A read may have been in progress; a leaked file stays in the list.
  for (let looks = 0; held().length > 0; looks++) {
    assert.ok(looks < 200, held().join());
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  follow.kill("SIGTERM");
  await follow.ended;
  await log.finish();
}, { ...SLOW, skip: existsSync("/proc/self/fd") ? false : "open files are read from /proc" });

test("inspect ends quietly when its output is closed", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME);
  writeCalls(log, NAME, 3_000);
  await log.finish();
  const inspect = startCli(["inspect", "--json"], { cwd: place.path });
  await inspect.prints();
  inspect.closeOutput();
  const { code, err } = await inspect.ended;
  assert.deepEqual({ code, err }, { code: 0, err: "" });
}, SLOW);
