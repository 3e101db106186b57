import assert from "node:assert/strict";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { MemoryHost } from "../../support/simulated_runtime/memory_host.ts";
import {
  liveness,
  ownIdentity,
  readIdentity,
} from "../../../src/wal/processes/process_identity.ts";
import { type Owner, readOwner } from "../../../src/wal/processes/owner_file.ts";
import { test } from "../../harness.ts";

test("identity: a process sees itself and others as alive, and as dead when they are", () => {
  const host = new MemoryHost();
  const watcher = new MemoryRuntime({ host });
  const other = new MemoryRuntime({ host });
  const identity = ownIdentity(other.process);
  assert.equal(liveness(ownIdentity(watcher.process), watcher.process), "alive");
  assert.equal(liveness(identity, watcher.process), "alive");
  other.kill();
  assert.equal(liveness(identity, watcher.process), "dead");
});

test("identity: a reused PID does not make a dead process alive", () => {
  const host = new MemoryHost();
  const watcher = new MemoryRuntime({ host });
  const dead = new MemoryRuntime({ host, pid: 7_000 });
  const identity = ownIdentity(dead.process);
  dead.kill();
  new MemoryRuntime({ host, pid: 7_000 });
  assert.ok(watcher.process.findProcess(7_000));
  assert.equal(liveness(identity, watcher.process), "dead");
});

test("identity: PID 1 in two containers is two processes that cannot observe each other", () => {
  const [first, second] = ["pid:[101]", "pid:[102]"].map((pidNamespace, index) =>
    new MemoryRuntime({ host: new MemoryHost({ name: `pod${index}`, pidNamespace }), pid: 1 })
  );
  const identity = ownIdentity(first.process);
  assert.equal(liveness(identity, second.process), "unknown");
  first.kill();
  assert.equal(
    liveness(identity, second.process),
    "unknown",
    "the watcher's own PID proves nothing",
  );
});

test("identity: containers under one host name are distinguished by their namespaces", () => {
  const [first, second] = ["pid:[101]", "pid:[102]"].map((pidNamespace) =>
    new MemoryRuntime({ host: new MemoryHost({ name: "pod", pidNamespace }), pid: 1 })
  );
  assert.equal(liveness(ownIdentity(first.process), second.process), "unknown");
});

test("identity: a process of another machine is unknown, with the same PID or without", () => {
  const here = new MemoryRuntime({ host: new MemoryHost({ name: "here", bootId: "a" }) });
  const there = new MemoryRuntime({ host: new MemoryHost({ name: "there", bootId: "b" }) });
  assert.equal(here.process.pid, there.process.pid);
  assert.equal(liveness(ownIdentity(there.process), here.process), "unknown");
});

test("identity: after a reboot no earlier process counts as alive because of its PID", () => {
  const host = new MemoryHost();
  const before = ownIdentity(new MemoryRuntime({ host, pid: 50 }).process);
  host.reboot();
  const after = new MemoryRuntime({ host, pid: 50 });
  assert.deepEqual(
    ownIdentity(after.process).startTime,
    before.startTime,
    "ticks begin at zero again",
  );
  assert.notEqual(liveness(before, after.process), "alive");
});

test("identity: without start times a PID that exists proves nothing, one that does not is proof", () => {
  const host = new MemoryHost({ startTimes: false });
  const watcher = new MemoryRuntime({ host });
  const other = new MemoryRuntime({ host });
  const identity = ownIdentity(other.process);
  assert.equal(liveness(identity, watcher.process), "unknown");
  other.kill();
  assert.equal(liveness(identity, watcher.process), "dead");
});

test("identity: on a host that hides boot ID and namespace, local processes can be checked", () => {
  const host = new MemoryHost({ bootId: null, pidNamespace: null });
  const watcher = new MemoryRuntime({ host });
  const other = new MemoryRuntime({ host });
  const identity = ownIdentity(other.process);
  assert.equal(liveness(identity, watcher.process), "alive");
  other.kill();
  assert.equal(liveness(identity, watcher.process), "dead");
});

test("identity: on the real host this process is alive and an unused PID is dead", () => {
  const { process } = detectRuntime();
  const own = ownIdentity(process);
  assert.notEqual(liveness(own, process), "dead");
  assert.equal(liveness({ ...own, pid: 2 ** 31 - 2 }, process), "dead");
  if (own.startTime !== null) {
    assert.equal(liveness(own, process), "alive");
    assert.equal(liveness({ ...own, startTime: "1" }, process), "dead");
    assert.equal(liveness({ ...own, bootId: "another" }, process), "unknown");
  }
});

test("identity: a process identity requires an integer PID and a host", () => {
  const whole = { pid: 1, startTime: "2", bootId: "b", pidNamespace: "p", host: "h" };
  assert.deepEqual(readIdentity({ ...whole, more: true }), whole);
  assert.deepEqual(readIdentity({ pid: 1, host: "h", startTime: 7 }), {
    pid: 1,
    startTime: null,
    bootId: null,
    pidNamespace: null,
    host: "h",
  });
  for (const value of [null, undefined, 7, "x", [], {}, { pid: 1 }, { host: "h" }]) {
    assert.equal(readIdentity(value), null);
  }
  assert.equal(readIdentity({ pid: 1.5, host: "h" }), null);
  assert.equal(readIdentity({ pid: "1", host: "h" }), null);
});

test("owner: an owner file of version 0.1 is read, and a missing one is distinguished from a corrupt one", () => {
  const runtime = new MemoryRuntime();
  const owner: Owner = {
    ...ownIdentity(runtime.process),
    server: "https://server",
    sender: true,
    closed: false,
  };
  runtime.disk.put("/wal/x", "");
  assert.equal(readOwner(runtime.files, "/wal/o"), "missing");
  for (const expected of [owner, { ...owner, closed: true }, { ...owner, sender: false }]) {
    runtime.disk.put("/wal/o", JSON.stringify(expected));
    assert.deepEqual(readOwner(runtime.files, "/wal/o"), expected);
  }
  for (const text of ["", "\0\0", "{", "null", "[]", "7", '{"pid":1}']) {
    runtime.disk.put("/wal/o", text);
    assert.equal(readOwner(runtime.files, "/wal/o"), "corrupt", text);
  }
  runtime.fault = ({ kind }) => kind === "read" ? { code: "EIO" } : undefined;
  assert.equal(readOwner(runtime.files, "/wal/o"), "corrupt", "unreadable");
});

test("owner: fields of a wrong type are parsed in a way that loses nothing", () => {
  const runtime = new MemoryRuntime();
  runtime.disk.put("/o", '{"pid":1,"host":"h","server":7,"sender":"yes","closed":1}');
  const owner = readOwner(runtime.files, "/o") as Owner;
  assert.deepEqual([owner.server, owner.sender, owner.closed], [null, false, false]);
});
