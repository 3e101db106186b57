import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "@std/path";
import { cli } from "../../support/cli/cli.ts";
import {
  programCommand,
  startProcess,
  startProgram,
  temporary,
} from "../../support/cli/cli_support.ts";
import { openLog, writeCalls } from "../../support/cli/written_logs.ts";
import { changePresence, presenceFiles } from "../../support/cli/cli_processes.ts";
import { CTRL_C, noTerminal, plain, startInTerminal } from "../../support/cli/cli_terminal.ts";
import { test } from "../../harness.ts";

const NAME = "acme/chat";
const SERVER = "http://127.0.0.1:9";
const ENV = { WF_TRACE_SERVER_URL: SERVER, WANDB_API_KEY: "a-secret-key-0123456789" };
const SLOW = { timeout: 120_000 };

test("status reports that there are no logs yet", async () => {
  await using place = await temporary();
  const { code, out, err } = await cli(["status"], { cwd: place.path });
  assert.deepEqual({ code, err }, { code: 0, err: "" });
  assert.equal(out, `No logs yet: ${place.wal}\n`);
}, SLOW);

test("status counts pending records by project, with their writers and age", async () => {
  await using place = await temporary();
  const old = openLog(place.wal, NAME, { server: SERVER });
  writeCalls(old, NAME, 30, { started: Date.now() - 3_600_000 });
  await old.finish();
  const young = openLog(place.wal, "acme/eval", { server: SERVER });
  writeCalls(young, "acme/eval", 2);
  await young.finish();
  const writer = startProgram("tests/support/cli/cli_writer.ts", [NAME, SERVER, "5"], {
    cwd: place.path,
  });
  await writer.sees("ready");

  const report = async () => {
    const { code, out } = await cli(["status", "--json"], { cwd: place.path, env: ENV });
    assert.equal(code, 0);
    return JSON.parse(out);
  };
  const alive = await report();
  assert.equal(alive.pendingRecords, 74);
  assert.equal(alive.files, 3);
  assert.ok(alive.ageMs >= 3_600_000);
  const [chat, evaluation] = alive.projects;
  assert.equal(chat.pendingRecords, 70);
  assert.deepEqual(chat.writers, { alive: 1, closed: 1 });
  assert.equal(chat.sender.state, "nobody");
  assert.equal(evaluation.pendingRecords, 4);
  assert.ok(evaluation.ageMs < 3_600_000);
  const segment = chat.segments.find((one: { writer: { pid: number } }) =>
    one.writer.pid === writer.pid
  );
  assert.equal(segment.writer.sends, false);
  assert.equal(segment.writer.server, SERVER);
  assert.equal(segment.pendingRecords, 10);

  writer.kill("SIGKILL");
  await writer.ended;
  assert.deepEqual((await report()).projects[0].writers, { dead: 1, closed: 1 });
}, SLOW);

test("status tells people which records are pending, why, and what to do", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME, { server: SERVER });
  writeCalls(log, NAME, 3);
  await log.finish();
  const { out } = await cli(["status", "--dir", place.wal], { cwd: place.path, env: ENV });
  assert.match(out, /1 project · 1 file · 6 records \(.*\) pending/);
  assert.match(out, /acme\/chat +1 +1 closed +6 /);
  assert.match(out, /6 records orphaned: the processes that wrote them have ended/);
  assert.ok(
    out.includes(`weave-wal flush --entity acme --project chat --dir ${place.wal}`),
    out,
  );
  assert.ok(!out.includes("\u001b"), "colors without a terminal");
}, SLOW);

test("status shows the host of a remote writer whose state cannot be checked", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME, { server: SERVER });
  writeCalls(log, NAME, 2);
  await log.finish();
  changePresence(place.wal, { pid: 4711, host: "worker-7", bootId: "another", ended: false });
  const { out } = await cli(["status"], { cwd: place.path, env: ENV });
  assert.match(out, /acme\/chat +1 +1 remote \(worker-7\) +4 /);
  assert.match(out, /4 records of pid 4711 on worker-7, which runs elsewhere with its sender off/);
  const { projects: [{ writers, segments: [{ writer }] }] } = JSON.parse(
    (await cli(["status", "--json"], { cwd: place.path, env: ENV })).out,
  );
  assert.deepEqual(writers, { remote: 1 });
  assert.deepEqual([writer.pid, writer.host], [4711, "worker-7"]);
  for (const file of presenceFiles(place.wal)) utimesSync(file, new Date(), new Date(0));
  const later = await cli(["status"], { cwd: place.path, env: ENV });
  assert.match(later.out, /which has sent no heartbeat for \d+ d.*: a sender presumes it dead/);
}, SLOW);

test("status fails on request when a record is too old", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME, { server: SERVER });
  writeCalls(log, NAME, 1, { started: Date.now() - 60_000 });
  await log.finish();
  const code = async (age: string) =>
    (await cli(["status", "--fail-if-older", age], { cwd: place.path })).code;
  assert.equal(await code("1h"), 0);
  assert.equal(await code("30s"), 1);
}, SLOW);

test("status fails on request when there are dead letters, and says why they are", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME, { server: SERVER });
  writeCalls(log, NAME, 1);
  await log.finish();
  const args = ["status", "--fail-if-dead-letters"];
  assert.equal((await cli(args, { cwd: place.path })).code, 0);
  const directory = join(place.wal, NAME);
  const data = readdirSync(directory).find((name) => name.endsWith(".jsonl"))!;
  writeFileSync(
    join(directory, data.replace(".jsonl", ".deadletter")),
    `{"type":"call_end","req":{},"error":{"reason":"refused","status":422,"message":"Field required","at":"2026-05-01T12:00:00.000Z","offset":0,"length":2}}\n`,
  );
  const { code, out } = await cli(args, { cwd: place.path });
  assert.equal(code, 1);
  assert.match(out, /1 dead letter \(1 refused\), the last: "Field required \(HTTP 422\)"/);
  assert.match(out, /weave-wal dead-letters list/);
}, SLOW);

test("status changes nothing on disk and never shows the key", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME, { server: SERVER });
  writeCalls(log, NAME, 3);
  await log.finish();
  const look = () => {
    const directory = join(place.wal, NAME);
    return readdirSync(directory).map((name) => [name, statSync(join(directory, name)).mtimeMs]);
  };
  const before = look();
  for (const args of [["status"], ["status", "--json"], ["status", "--fail-if-older", "x"]]) {
    const { out, err } = await cli(args, { cwd: place.path, env: ENV });
    assert.ok(!`${out}${err}`.includes(ENV.WANDB_API_KEY));
    assert.ok(!`${out}${err}`.includes("    at "), "a stack trace");
  }
  assert.deepEqual(look(), before);
}, SLOW);

test("status shows colors in a terminal, and none with NO_COLOR", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME, { server: SERVER });
  writeCalls(log, NAME, 1);
  await log.finish();
  const show = async (env: Record<string, string>) => {
    const { code, out } = await startInTerminal(["status"], { cwd: place.path, env }).ended;
    assert.equal(code, 0, out);
    return out;
  };
  assert.ok((await show({})).includes("\u001b[33mnobody"));
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(await show({ NO_COLOR: "1" }), /\u001b\[[0-9;]*m/);
}, { ...SLOW, skip: noTerminal });

test("status --watch refreshes in place, with rates, until Ctrl-C", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME, { server: SERVER });
  writeCalls(log, NAME, 2);
  const watch = startInTerminal(["status", "--watch", "100ms"], { cwd: place.path });
  await watch.sees("4 records");
  assert.match(plain(watch.out()), /WRITTEN\/S +SENT\/S/);
  writeCalls(log, NAME, 1);
  await watch.sees("6 records");
  // The second screen overwrites the first: lines are erased, not scrolled away.
  assert.ok(watch.out().includes("\u001b[2K"), JSON.stringify(watch.out()));
  watch.type(CTRL_C);
  const { code, out } = await watch.ended;
  assert.equal(code, 130);
  assert.ok(out.includes("\u001b[?25h"), "the cursor is not shown again");
  await log.finish();
}, { ...SLOW, skip: noTerminal });

test("status --watch --json prints a line of JSON per interval", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME, { server: SERVER });
  writeCalls(log, NAME, 2);
  await log.finish();
  const watch = startProgram("src/cli/main.ts", ["status", "--watch", "100ms", "--json"], {
    cwd: place.path,
  });
  while (watch.out().split("\n").length < 3) await watch.prints();
  watch.kill("SIGTERM");
  const { code, out } = await watch.ended;
  assert.equal(code, 143);
  for (const line of out.trim().split("\n")) assert.equal(JSON.parse(line).pendingRecords, 4);
}, SLOW);

test("invalid arguments end with exit code 2 and a message, without a stack trace", async () => {
  await using place = await temporary();
  const note = join(place.path, "note.txt");
  writeFileSync(note, "no log");
  const cases: readonly (readonly [string[], string])[] = [
    [["stauts"], "Did you mean status?"],
    [["status", "--fail-if-older", "soon"], "argument 'soon' is invalid. Expected a duration"],
    [["flush", "--timeout"], "argument missing"],
    [["status", "--dir", "/dev/null"], 'Cannot use --dir: "/dev/null" is not a directory'],
    [["status", "--dir", ""], 'Cannot use --dir: ""'],
    [["flush", "--server", "nowhere"], 'Cannot use --server: "nowhere" is not a URL'],
    [["inspect", "--type", "call"], '"call" is not one of call_start, call_end'],
    [["inspect", note], `Cannot read: "${note}" is not a log file`],
    [["verify", note], `Cannot read: "${note}" is not a log file`],
    [
      ["dead-letters", "list", "--status", "4xx"],
      "argument '4xx' is invalid. Expected a whole number",
    ],
    [["dead-letters", "export", "--output", "/nowhere/x"], '"/nowhere/x" (ENOENT)'],
  ];
  const ends = await Promise.all(cases.map(([args]) => cli(args, { cwd: place.path, env: ENV })));
  ends.forEach(({ code, err }, index) => {
    const [args, message] = cases[index];
    assert.equal(code, 2, args.join(" "));
    assert.ok(err.includes(message), err);
    assert.ok(!err.includes("    at "), err);
  });
}, SLOW);

test("inspect and verify do not treat other directories as logs", async () => {
  await using place = await temporary();
  mkdirSync(join(place.path, "src", "module"), { recursive: true });
  const inspect = await cli(["inspect", place.path], { cwd: place.path });
  assert.deepEqual([inspect.code, inspect.out], [0, `No records: ${place.path}\n`]);
  const verify = await cli(["verify", place.path, "--json"], { cwd: place.path });
  assert.deepEqual([verify.code, JSON.parse(verify.out).problems], [0, []]);
}, SLOW);

test("a full disk at the output path is reported as such", async () => {
  await using place = await temporary();
  const command = [...programCommand("src/cli/main.ts"), "status"];
  const { code, err } = await startProcess(
    "sh",
    ["-c", 'exec "$@" > /dev/full', "sh", ...command],
    { cwd: place.path },
  ).ended;
  assert.equal(code, 3, err);
  assert.match(err, /Cannot write the output: .*[Nn]o space left on device/);
}, { ...SLOW, skip: existsSync("/dev/full") ? false : "there is no /dev/full" });

test("every command has help with examples", async () => {
  await using place = await temporary();
  const { out } = await cli(["--help"], { cwd: place.path });
  const commands = [...out.matchAll(/^ {2}([a-z-]+) /gm)].map(([, name]) => name);
  assert.deepEqual(
    commands,
    ["status", "ui", "flush", "relay", "inspect", "verify", "dead-letters", "demo", "mock", "help"],
  );
  const deadLetters = ["list", "show", "retry", "export", "drop"].map((
    name,
  ) => ["dead-letters", name]);
  const own = ["status", "ui", "flush", "relay", "inspect", "verify", "dead-letters"].map((
    name,
  ) => [name]);
  const helps = await Promise.all(
    [...own, ...deadLetters].map((args) => cli([...args, "--help"], { cwd: place.path })),
  );
  for (const help of helps) {
    assert.equal(help.code, 0);
    assert.match(help.out, /Examples:\n {2}weave-wal /);
  }
}, SLOW);
