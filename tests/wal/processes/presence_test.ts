import assert from "node:assert/strict";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { HEARTBEAT_MS, LEASE_MS } from "../../../src/wal/processes/failure_detector.ts";
import { ownIdentity } from "../../../src/wal/processes/process_identity.ts";
import { Presence } from "../../../src/wal/processes/presence.ts";
import {
  presencePath,
  readPresence,
  type SenderReport,
} from "../../../src/wal/processes/presence_state.ts";
import { test } from "../../harness.ts";

const ROOT = "/wal";
const TOKEN = "1".repeat(32);
const PATH = presencePath(ROOT, TOKEN);
const REPORT: SenderReport = {
  server: "http://server",
  state: "down",
  reason: "Away",
  since: 5,
  nextAttempt: 9,
  delivered: 3,
  deadLettered: 1,
  lastDelivery: 4,
  lastError: { message: "Refused", at: 2 },
};

function scene(report: SenderReport | null = null, sharesCalls = false) {
  const runtime = new MemoryRuntime();
  const options = { runtime, root: ROOT, token: TOKEN, server: "http://server", sender: true };
  return {
    runtime,
    time: runtime.time,
    presence: new Presence({ ...options, sharesCalls, report: () => report }),
  };
}

test("presence: it is read back unchanged, with and without a report", () => {
  for (const report of [REPORT, null, { ...REPORT, lastDelivery: null, lastError: null }]) {
    const { runtime, presence } = scene(report, report !== null);
    presence.ensure();
    assert.deepEqual(readPresence(runtime, PATH), {
      token: TOKEN,
      identity: ownIdentity(runtime.process),
      server: "http://server",
      sender: true,
      sharesCalls: report !== null,
      ended: false,
      at: runtime.clock.now(),
      report,
      log: null,
    });
  }
});

test("presence: no heartbeat is written before the log exists", () => {
  const { runtime, presence } = scene();
  presence.heartbeat();
  assert.equal(presence.tryHeartbeat(), false);
  assert.equal(runtime.files.stat(ROOT), null);
  presence.ensure();
  assert.notEqual(runtime.files.stat(PATH), null, "the first segment makes the directories");
});

test("presence: it is written again only when it is not fresh", () => {
  const { runtime, presence, time } = scene();
  assert.equal(presence.isFresh, false);
  presence.ensure();
  const { id } = runtime.files.stat(PATH)!;
  time.advance(LEASE_MS);
  presence.ensure();
  assert.equal(runtime.files.stat(PATH)!.id, id);
  assert.equal(presence.isFresh, true);
  time.advance(1);
  assert.equal(presence.isFresh, false);
  presence.ensure();
  assert.notEqual(runtime.files.stat(PATH)!.id, id);
});

test("presence: a lapse is counted only if a heartbeat is late", () => {
  const { presence, time } = scene();
  presence.ensure();
  for (let n = 0; n < 10; n++) {
    time.advance(HEARTBEAT_MS);
    presence.heartbeat();
  }
  time.advance(LEASE_MS);
  presence.heartbeat();
  assert.equal(presence.lapses, 0);
  time.advance(LEASE_MS + 1);
  assert.equal(presence.lapses, 0, "nothing has hidden the lapse yet");
  presence.heartbeat();
  presence.heartbeat();
  assert.equal(presence.lapses, 1);
});

test("presence: freshness is measured from the beginning of a heartbeat, not from its end", () => {
  const { runtime, presence, time } = scene();
  presence.ensure();
  runtime.fault = ({ kind }) => {
    if (kind === "rename") time.advance(LEASE_MS); // Suspended before the rename.
    return undefined;
  };
  presence.heartbeat();
  runtime.fault = undefined;
  assert.equal(presence.isFresh, true);
  time.advance(1);
  assert.equal(presence.isFresh, false);
});

test("presence: a failed heartbeat is reported with its error, and leaves the old file", () => {
  const { runtime, presence, time } = scene();
  presence.ensure();
  const text = runtime.files.readText(PATH);
  time.advance(LEASE_MS + 1);
  for (const kind of ["write", "rename", "mkdir", "replace"]) {
    runtime.fault = (operation) => operation.kind === kind ? { code: "EIO" } : undefined;
    assert.throws(() => presence.heartbeat(), { code: "EIO" }, kind);
    assert.throws(() => presence.ensure(), { code: "EIO" }, kind);
    assert.equal(presence.tryHeartbeat(), false);
    runtime.fault = undefined;
    assert.equal(runtime.files.readText(PATH), text);
    assert.equal(presence.lapses, 0);
  }
  assert.equal(presence.tryHeartbeat(), true);
  assert.equal(presence.lapses, 1);
});

test("presence: a process without remaining records removes its file, and the last one the directory", () => {
  const { runtime, presence } = scene();
  const other = new Presence({
    runtime,
    root: ROOT,
    token: "2".repeat(32),
    server: "http://server",
    sender: false,
    report: () => null,
  });
  presence.ensure();
  other.ensure();
  presence.end(false);
  assert.equal(runtime.files.stat(PATH), null);
  assert.notEqual(runtime.files.stat(`${ROOT}/.processes`), null);
  other.end(false);
  assert.equal(runtime.files.stat(`${ROOT}/.processes`), null);
});

test("presence: a process with remaining records reports that it has ended", () => {
  const { runtime, presence } = scene(REPORT);
  presence.ensure();
  presence.end(true);
  assert.equal(readPresence(runtime, PATH)?.ended, true);
});

test("presence: a process that wrote nothing leaves no files", () => {
  for (const leaves of [true, false]) {
    const { runtime, presence } = scene();
    presence.end(leaves);
    assert.equal(runtime.files.stat(ROOT), null);
  }
});

test("presence: a missing or corrupt file is null, fields of a wrong type lose nothing", () => {
  const { runtime } = scene();
  assert.equal(readPresence(runtime, PATH), null);
  for (
    const text of ["", "\0\0", "{", "null", "7", "[]", '{"pid":1,"host":"h"}', '{"token":"t"}']
  ) {
    runtime.disk.put(PATH, text);
    assert.equal(readPresence(runtime, PATH), null, text);
  }
  const facts = { token: "t", server: "s", pid: 1, host: "h", sender: "yes", ended: 1 };
  const odd = { state: 7, reason: {}, since: "x", lastDelivery: "y", lastError: { at: 1 } };
  runtime.disk.put(PATH, JSON.stringify({ ...facts, ...odd }));
  const { sender, ended, report } = readPresence(runtime, PATH)!;
  assert.deepEqual([sender, ended], [false, false]);
  assert.deepEqual(report, {
    server: "s",
    state: "up",
    reason: "",
    since: 0,
    nextAttempt: null,
    delivered: 0,
    deadLettered: 0,
    lastDelivery: null,
    lastError: null,
  });
});
