import assert from "node:assert/strict";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "@std/path";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { ownIdentity } from "../../../src/wal/processes/process_identity.ts";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { cli } from "../../support/cli/cli.ts";
import { startCli, temporary } from "../../support/cli/cli_support.ts";
import { openLog, writeCalls } from "../../support/cli/written_logs.ts";
import { test } from "../../harness.ts";

const NAME = "acme/chat";
const SLOW = { timeout: 120_000 };
const LOST = `00000000000000000007_${"a".repeat(32)}`;

interface Problem {
  kind: string;
  file: string;
  offset?: number;
  length?: number;
  repaired?: string;
  unrepaired?: string;
}

/** Leaves the log of a finished process; returns the path of its data. */
async function leave(wal: string, calls: number, server?: string): Promise<string> {
  const log = openLog(wal, NAME, server === undefined ? {} : { server });
  writeCalls(log, NAME, calls);
  await log.finish();
  const directory = join(wal, NAME);
  return join(directory, readdirSync(directory).find((file) => file.endsWith(".jsonl"))!);
}

/** Corrupts a log of 10 records in every way that a verification detects. */
function corruptRecord(
  file: string,
): { corrupt: number; flipped: number; oversize: number; torn: number } {
  const data = readFileSync(file);
  const starts = [0, ...[...data].flatMap((byte, at) => byte === 10 ? [at + 1] : [])];
  const corrupt = starts[1], flipped = starts[4];
  data[corrupt] = 0;
  data[flipped + 60] = 34; // Still looks like a record; only a parser notices.
  data[flipped + 61] = 34;
  writeFileSync(file, data);
  const oversize = data.length;
  appendFileSync(file, `{"type":"obj_create","req":{"x":"${"y".repeat(34 * 1024 * 1024)}"}}\n`);
  const torn = oversize + 34 * 1024 * 1024 + '{"type":"obj_create","req":{"x":""}}\n'.length;
  appendFileSync(file, '{"type":"call_start","req":{"start":{"proj');
  return { corrupt, flipped, oversize, torn };
}

async function verify(
  cwd: string,
  ...args: string[]
): Promise<{ code: number | null; problems: Problem[]; records: number }> {
  const { code, out, err } = await cli(["verify", "--json", ...args], { cwd });
  assert.ok(code === 0 || code === 1, `${out}${err}`);
  const { problems, records } = JSON.parse(out);
  return { code, problems, records };
}

test("verify reports no problem in a valid log", async () => {
  await using place = await temporary();
  await leave(place.wal, 5);
  const { code, out } = await cli(["verify"], { cwd: place.path });
  assert.equal(code, 0, out);
  assert.match(out, /^Read 1 log file, 10 valid records, .*: no problems$/m);
}, SLOW);

test("verify reports a corrupt line with its offset, and changes nothing", async () => {
  await using place = await temporary();
  const file = await leave(place.wal, 5);
  const at = corruptRecord(file);
  writeFileSync(file.replace(".jsonl", ".checkpoint"), "999999999999");
  const directory = join(place.wal, NAME);
  writeFileSync(join(directory, `${LOST}.checkpoint`), "12");
  const leftover = file.replace(".jsonl", ".checkpoint.0a1b2c3d.tmp");
  writeFileSync(leftover, "7");
  utimesSync(leftover, 1_700_000_000, 1_700_000_000);
  writeFileSync(join(directory, "notes.txt"), "mine");
  const before = readdirSync(directory).sort();
  const { code, problems, records } = await verify(place.path);
  assert.equal(code, 1);
  const found = problems.map(({ kind, offset }) => [kind, offset]);
  assert.deepEqual(found, [
    ["checkpoint", undefined],
    ["corrupt", at.corrupt],
    ["corrupt", at.flipped],
    ["oversize", at.oversize],
    ["torn", at.torn],
    ["orphan", undefined],
    ["leftover", undefined],
    ["foreign", undefined],
  ]);
  assert.equal(records, 8);
  assert.deepEqual(readdirSync(directory).sort(), before);
  const { out } = await cli(["verify"], { cwd: place.path });
  assert.match(out, /: 7 problems\n/); // An unknown file is reported and does not count as a problem.
}, SLOW);

test(
  "verify --repair puts what is bad out of the way, deletes nothing, and the rest is sent",
  async () => {
    await using place = await temporary();
    // The corrupt line separates ends from their starts, which this API accepts.
    await using mock = await startMockServer({ callMode: "old" });
    const file = await leave(place.wal, 5, mock.url);
    const at = corruptRecord(file);
    const directory = join(place.wal, NAME);
    writeFileSync(file.replace(".jsonl", ".checkpoint"), "minus one");
    writeFileSync(join(directory, `${LOST}.lock`), "1999999999");
    const bad = readFileSync(file);

    const repaired = await verify(place.path, "--repair");
    assert.equal(repaired.code, 0);
    assert.equal(repaired.problems.length, 6);
    for (const { kind, repaired: how } of repaired.problems) assert.ok(how, kind);
    assert.deepEqual(await verify(place.path), { code: 0, problems: [], records: 8 });

    // All corrupt bytes are still there.
    assert.deepEqual(readFileSync(file), bad);
    const raw = readFileSync(file.replace(".jsonl", ".quarantine"));
    const line = (offset: number) =>
      bad.subarray(offset, (bad.indexOf(10, offset) + 1 || bad.length + 1) - 1);
    const wanted = [at.corrupt, at.flipped, at.oversize, at.torn].map(line);
    assert.equal(raw.length, wanted.reduce((sum, { length }) => sum + length, 0));
    for (const bytes of wanted) assert.ok(raw.includes(bytes));
    const moved = readdirSync(join(directory, ".quarantine")).sort();
    assert.deepEqual(moved, [
      `${LOST}.lock`,
      file.split("/").at(-1)!.replace(".jsonl", ".checkpoint"),
    ]);
    assert.ok(!readdirSync(directory).some((name) => name.includes(".claim.")));

    const sent = await cli(["flush"], {
      cwd: place.path,
      env: { WF_TRACE_SERVER_URL: mock.url, WANDB_API_KEY: "x" },
    });
    assert.equal(sent.code, 0, sent.out);
    const { callStarts, callEnds, callCompletes } = mock.store.counts;
    assert.equal(callStarts + callEnds + 2 * callCompletes, 8);
    const left = readdirSync(directory).map((name) => name.slice(name.indexOf("."))).sort();
    assert.deepEqual(left, [".deadletter", ".quarantine", ".quarantine"]);
  },
  SLOW,
);

test("verify does not report a line that is still being written", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME);
  writeCalls(log, NAME, 2);
  const directory = join(place.wal, NAME);
  const file = join(directory, readdirSync(directory).find((name) => name.endsWith(".jsonl"))!);
  appendFileSync(file, '{"type":"call_start","req":{"sta');
  assert.deepEqual(await verify(place.path), { code: 0, problems: [], records: 4 });
  await log.finish();
  assert.deepEqual((await verify(place.path)).problems.map(({ kind }) => kind), ["torn"]);
}, SLOW);

test(
  "verify --repair restores the dead letters of an interrupted retry, and removes its lease",
  async () => {
    await using place = await temporary();
    await leave(place.wal, 1);
    const retry = join(place.wal, NAME, ".retry");
    const holder = {
      token: "d".repeat(32),
      ...ownIdentity(detectRuntime().process),
      startTime: "0",
    };
    for (const left of [[], [`${LOST}.deadletter`]]) {
      mkdirSync(retry);
      writeFileSync(join(retry, "claim.3"), JSON.stringify(holder));
      for (const name of left) writeFileSync(join(retry, name), '{"type":"call_end","req":{}}\n');
      const { problems } = await verify(place.path, "--repair");
      assert.deepEqual(problems.map(({ repaired }) => repaired), left.map(() => "put back"));
      assert.equal(existsSync(retry), false);
      for (const name of left) assert.ok(existsSync(join(place.wal, NAME, name)));
    }
  },
  SLOW,
);

test("verify --repair does not touch files held by a running sender", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  const file = await leave(place.wal, 5, mock.url);
  const data = readFileSync(file);
  data[data.length - 20] = 0;
  writeFileSync(file, data);
  const gate = mock.faults.add({ path: /calls\/complete|upsert|call\/start/, hang: true });
  const sidecar = startCli(["flush", "--follow", "--grace", "0s"], {
    cwd: place.path,
    env: { WF_TRACE_SERVER_URL: mock.url, WANDB_API_KEY: "x" },
  });
  await mock.waitFor(() => gate.hits > 0, { timeout: 60_000 });
  const { code, problems: [problem] } = await verify(place.path, "--repair");
  assert.equal(code, 1);
  assert.equal(problem.kind, "corrupt");
  assert.match(problem.unrepaired!, new RegExp(`left to its sender, pid ${sidecar.pid}`));
  sidecar.kill("SIGTERM");
  await sidecar.ended;
}, SLOW);

test("verify handles a file of random bytes, and repair keeps every byte of it", async () => {
  await using place = await temporary();
  const directory = join(place.wal, NAME);
  mkdirSync(directory, { recursive: true });
  const noise = new Uint8Array(128 * 1024);
  let state = 1;
  for (let i = 0; i < noise.length; i++) {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    noise[i] = state >> 16;
  }
  const file = join(directory, `${LOST}.jsonl`);
  writeFileSync(file, noise);
  writeFileSync(join(directory, `b${LOST.slice(1)}.jsonl`), "no stem, no log");
  const found = await verify(place.path);
  assert.equal(found.code, 1);
  assert.equal(found.records, 0);
  const repaired = await verify(place.path, "--repair");
  assert.equal(repaired.code, 0);
  assert.deepEqual((await verify(place.path)).problems.map(({ kind }) => kind), ["foreign"]);
  assert.ok(existsSync(file));
}, SLOW);
