import assert from "node:assert/strict";
import { Presence, wakeProcess } from "../../../src/wal/processes/presence.ts";
import {
  type LogReport,
  presencePath,
  readPresence,
} from "../../../src/wal/processes/presence_state.ts";
import { removeDeadPresences } from "../../../src/wal/processes/process_list.ts";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { test } from "../../harness.ts";

const ROOT = "/wal";
const TOKEN = "a".repeat(32);
const LOG: LogReport = {
  entity: "acme",
  project: "chat",
  kind: "memory",
  diskError: { message: "ENOSPC: no space left on device", code: "ENOSPC", at: 12 },
  syncError: { message: "ENOTSUP: operation not supported", code: "ENOTSUP", at: 13 },
  appended: 9,
  memory: { records: 3, bytes: 300 },
  dropped: { "quota-new": 7 },
  quota: { usedBytes: 900, maxBytes: 1_000, policy: "drop-oldest", fullAt: 77 },
};

function make(onWake: () => void = () => {}) {
  const runtime = new MemoryRuntime();
  runtime.files.makeDirectory(ROOT);
  let log = LOG;
  const presence = new Presence({
    runtime,
    root: ROOT,
    token: TOKEN,
    server: "http://server",
    sender: false,
    report: () => null,
    log: () => log,
    onWake,
  });
  presence.heartbeat();
  return { runtime, presence, change: (to: Partial<LogReport>) => log = { ...log, ...to } };
}

test("a presence file contains what the log of the process reports", () => {
  const { runtime } = make();
  const { log, report } = readPresence(runtime, presencePath(ROOT, TOKEN))!;
  assert.deepEqual(log, LOG);
  assert.equal(report, null);
});

test("a presence file is updated on a full disk, and a shorter one is still valid", () => {
  const { runtime, presence, change } = make();
  runtime.fault = ({ kind }) =>
    kind === "replace" || kind === "create" ? { code: "ENOSPC" } : undefined;
  change({ diskError: null, memory: { records: 4, bytes: 400 }, dropped: {} });
  presence.heartbeat();
  const { log } = readPresence(runtime, presencePath(ROOT, TOKEN))!;
  assert.deepEqual([log?.memory.records, log?.diskError], [4, null]);
  assert.ok(presence.isFresh);
  runtime.fault = ({ kind }) => kind === "replace" ? { code: "EACCES" } : undefined;
  assert.throws(() => presence.heartbeat(), { code: "EACCES" });
});

test("a process that is woken is notified once, at its next heartbeat", () => {
  let woken = 0;
  const { runtime, presence } = make(() => woken++);
  wakeProcess(runtime, ROOT, TOKEN);
  wakeProcess(runtime, ROOT, TOKEN);
  assert.equal(woken, 0);
  presence.heartbeat();
  presence.heartbeat();
  assert.equal(woken, 1);
  wakeProcess(runtime, ROOT, "b".repeat(32)); // This process does not exist.
  wakeProcess(runtime, ROOT, TOKEN);
  presence.end(false);
  assert.equal(runtime.files.stat(`${ROOT}/.processes`), null);
});

test("an old unhandled request is removed", async () => {
  const { runtime } = make();
  wakeProcess(runtime, ROOT, TOKEN);
  const segments = { isWriter: () => true, refresh: () => Promise.resolve() };
  const sweep = () => removeDeadPresences(runtime, ROOT, segments);
  await sweep();
  assert.ok(runtime.files.exists(`${ROOT}/.processes/${TOKEN}.wake`));
  runtime.time.advance(60_000);
  await sweep();
  assert.ok(!runtime.files.exists(`${ROOT}/.processes/${TOKEN}.wake`));
});
