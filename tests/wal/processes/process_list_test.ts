import assert from "node:assert/strict";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { MemoryHost } from "../../support/simulated_runtime/memory_host.ts";
import { ABANDONED_AFTER_MS, STALE_AFTER_MS } from "../../../src/wal/processes/failure_detector.ts";
import {
  LOSSES_SHOWN_MS,
  processTokens,
  removeDeadPresences,
  type SegmentWriters,
} from "../../../src/wal/processes/process_list.ts";
import type { LogReport } from "../../../src/wal/processes/presence_state.ts";
import { readProcesses } from "../../../src/wal/processes/process_status.ts";
import { test } from "../../harness.ts";
import { LogWorld, SERVER, WAL } from "../../support/wal/wal_fixture.ts";
import { presenceOf, tokenOf } from "../../support/wal/writer_fixture.ts";

const DIRECTORY = `${WAL}/.processes`;
const LOG: LogReport = {
  entity: "team",
  project: "project",
  kind: "file",
  diskError: null,
  syncError: null,
  appended: 0,
  memory: { records: 0, bytes: 0 },
  dropped: {},
  quota: { usedBytes: 0, maxBytes: 0, policy: "drop-new", fullAt: null },
};
const NONE: ReadonlySet<string> = new Set();

/** Processes with segments. */
function writersIn(tokens: ReadonlySet<string>): SegmentWriters {
  return { isWriter: (token) => tokens.has(token), refresh: () => Promise.resolve() };
}

/** Processes with presence files, by name. */
function scene() {
  const world = new LogWorld();
  const { disk, clock } = world;
  const host = new MemoryHost({ name: "container", pidNamespace: "pid:[2]" });
  const names = new Map<string, string>();
  const start = (name: string, runtime = world.process(), log?: LogReport) => {
    const token = tokenOf(names.size + 1);
    names.set(token, name);
    const report = {
      server: SERVER,
      state: "up" as const,
      reason: "",
      since: 0,
      nextAttempt: null,
    };
    const counts = { delivered: 0, deadLettered: 0, lastDelivery: null, lastError: null };
    const presence = presenceOf(runtime, token, {
      report: () => ({ ...report, ...counts }),
      ...(log ? { log: () => log } : {}),
    });
    presence.ensure();
    return { token, runtime, presence };
  };
  const own = start("own");
  const left = async () =>
    (await processTokens(own.runtime, WAL)).map((token) => names.get(token) ?? token).sort();
  const sweep = (inUse = NONE) => removeDeadPresences(own.runtime, WAL, writersIn(inUse));
  const elsewhere = () => new MemoryRuntime({ disk, clock, host });
  return { world, clock, start, own, left, sweep, elsewhere };
}

test("process list: files of dead processes are removed, of running ones kept", async () => {
  const { start, left, sweep, own } = scene();
  const dead = start("dead");
  start("alive");
  start("ended").presence.end(true);
  dead.runtime.kill();
  const running = (await readProcesses(own.runtime, WAL)).filter(({ liveness }) =>
    liveness === "alive"
  );
  assert.equal(running.length, 2, "dead and ended processes do not run");
  await sweep();
  assert.deepEqual(await left(), ["alive", "own"]);
});

test("process list: the file of a dead process stays while it has a segment", async () => {
  const { start, left, sweep } = scene();
  const dead = start("dead");
  dead.runtime.kill();
  await sweep(new Set([dead.token]));
  assert.deepEqual(await left(), ["dead", "own"]);
});

test("process list: a process that cannot be checked stays until its file is old", async () => {
  const { start, left, sweep, elsewhere, clock, own } = scene();
  start("elsewhere", elsewhere()).runtime.kill();
  await sweep();
  assert.deepEqual(await left(), ["elsewhere", "own"]);
  clock.advance(ABANDONED_AFTER_MS + 1);
  own.presence.heartbeat();
  await sweep();
  assert.deepEqual(await left(), ["own"]);
});

test("process list: a running process keeps its file however long it is suspended", async () => {
  const { start, left, sweep, clock } = scene();
  start("suspended");
  clock.advance(10 * ABANDONED_AFTER_MS);
  await sweep();
  assert.deepEqual(await left(), ["own", "suspended"]);
});

test("process list: a corrupt file is removed when it is old, other names are left alone", async () => {
  const { world, left, sweep, clock, own } = scene();
  own.runtime.files.createExclusive(`${DIRECTORY}/corrupt.json`, "{");
  world.disk.put(`${DIRECTORY}/notes.txt`, "mine");
  await sweep();
  assert.deepEqual(await left(), ["corrupt", "own"]);
  clock.advance(ABANDONED_AFTER_MS + 1);
  await sweep();
  assert.deepEqual(await left(), ["own"]);
  assert.ok(own.runtime.files.exists(`${DIRECTORY}/notes.txt`));
});

test("process list: an incomplete first heartbeat is removed, whether its writer is known or not", async () => {
  const { start, own, sweep, clock } = scene();
  const { token, runtime } = start("dead");
  runtime.files.rename(`${DIRECTORY}/${token}.json`, `${DIRECTORY}/${token}.json.77.tmp`);
  runtime.files.createExclusive(`${DIRECTORY}/unknown.json.78.tmp`, "");
  runtime.kill();
  await sweep();
  const names = () => own.runtime.files.list(DIRECTORY).map(({ name }) => name).sort();
  assert.deepEqual(names(), [`${own.token}.json`, "unknown.json.78.tmp"].sort());
  clock.advance(STALE_AFTER_MS + 1);
  own.presence.heartbeat();
  await sweep();
  assert.deepEqual(names(), [`${own.token}.json`]);
});

test("process list: the last removal also removes the directory", async () => {
  const { own, world, sweep } = scene();
  own.runtime.kill();
  const runtime = world.process();
  await removeDeadPresences(runtime, WAL, writersIn(NONE));
  assert.equal(runtime.files.stat(DIRECTORY), null);
  await assert.rejects(sweep(), { code: "ESIMKILLED" });
});

test("process list: the leftovers of version 0.1 in its senders directory are removed", async () => {
  const { world, start, own, sweep, clock } = scene();
  const { runtime } = start("dead");
  const note = (process: MemoryRuntime) => {
    const { pid, startTime, bootId, pidNamespace, host } = process.process;
    return JSON.stringify({
      token: "x",
      server: SERVER,
      pid,
      startTime,
      bootId,
      pidNamespace,
      host,
    });
  };
  world.disk.put(`${WAL}/.senders/old.json`, note(runtime));
  world.disk.put(`${WAL}/.senders/running.json`, note(world.process()));
  runtime.kill();
  await sweep();
  const names = () => own.runtime.files.list(`${WAL}/.senders`).map(({ name }) => name);
  assert.deepEqual(names(), ["running.json"]);
  own.runtime.files.remove(`${WAL}/.senders/running.json`);
  world.disk.put(`${WAL}/.senders/broken.json`, "{");
  clock.advance(ABANDONED_AFTER_MS + 1);
  await sweep();
  assert.equal(own.runtime.files.stat(`${WAL}/.senders`), null);
});

test("process list: without a directory there are no processes, an unreadable one is an error", async () => {
  const runtime = new MemoryRuntime();
  assert.deepEqual(await processTokens(runtime, WAL), []);
  await removeDeadPresences(runtime, WAL, writersIn(NONE));
  const { own } = scene();
  own.runtime.fault = ({ kind }) => kind === "list" ? { code: "EACCES" } : undefined;
  await assert.rejects(processTokens(own.runtime, WAL), { code: "EACCES" });
});

test("presence: the file of a dead process with lost records is kept for a day", async () => {
  const { clock, start, own, left, sweep } = scene();
  const losses: Partial<LogReport>[] = [
    { dropped: { "quota-new": 3 } },
    { memory: { records: 2, bytes: 99 } },
    {},
  ];
  losses.forEach((loss, at) => start(`p${at}`, undefined, { ...LOG, ...loss }).presence.end(true));
  await sweep();
  assert.deepEqual(await left(), ["own", "p0", "p1"]);
  clock.advance(LOSSES_SHOWN_MS + 1);
  own.presence.heartbeat();
  await sweep();
  assert.deepEqual(await left(), ["own"]);
});
