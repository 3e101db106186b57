import assert from "node:assert/strict";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { MemoryDisk } from "../../support/simulated_runtime/memory_disk.ts";
import { MemoryHost } from "../../support/simulated_runtime/memory_host.ts";
import { MemoryClock } from "../../support/simulated_runtime/memory_clock.ts";
import { ABANDONED_AFTER_MS, STALE_AFTER_MS } from "../../../src/wal/ownership/failure_detector.ts";
import {
  readSenderNotes,
  SenderNote,
  type SenderReport,
} from "../../../src/wal/ownership/sender_status.ts";
import { test } from "../../harness.ts";

const REPORT: SenderReport = {
  server: "http://server",
  state: "up",
  reason: "",
  since: 0,
  delivered: 0,
  deadLettered: 0,
  lastDelivery: null,
  lastError: null,
};
const DIRECTORY = "/wal/.senders";

function world() {
  const disk = new MemoryDisk();
  const clock = new MemoryClock();
  disk.put("/wal/.gitignore", "*\n");
  return { disk, clock, host: new MemoryHost() };
}

function namesIn(runtime: MemoryRuntime): string[] {
  try {
    return runtime.files.list(DIRECTORY).map(({ name }) => name).sort();
  } catch {
    return [];
  }
}

test("sender note: a first note takes away those of dead senders and leaves the living", () => {
  const around = world();
  const [dead, living, own] = [1, 2, 3].map(() => new MemoryRuntime(around));
  new SenderNote(dead, "/wal", "dead").write(REPORT);
  around.disk.put(`${DIRECTORY}/dead.json.77.tmp`, "{");
  new SenderNote(living, "/wal", "living").write(REPORT);
  dead.kill();
  const note = new SenderNote(own, "/wal", "own");
  note.write(REPORT);
  assert.deepEqual(namesIn(own), ["living.json", "own.json"]);
  assert.deepEqual(readSenderNotes(own, "/wal").map(({ token }) => token), ["living", "own"]);
  note.remove();
  assert.deepEqual(namesIn(own), ["living.json"]);
});

test("sender note: the last one takes the directory away", () => {
  const around = world();
  const runtime = new MemoryRuntime(around);
  const note = new SenderNote(runtime, "/wal", "own");
  note.write(REPORT);
  note.remove();
  assert.equal(runtime.files.stat(DIRECTORY), null);
});

test("sender note: what nobody here can judge stays until it is old", () => {
  const around = world();
  const container = new MemoryHost({ name: "container", pidNamespace: "pid:[2]" });
  const elsewhere = new MemoryRuntime({ ...around, host: container });
  new SenderNote(elsewhere, "/wal", "elsewhere").write(REPORT);
  elsewhere.kill();
  const runtime = new MemoryRuntime(around);
  const note = new SenderNote(runtime, "/wal", "own");
  note.write(REPORT);
  assert.deepEqual(namesIn(runtime), ["elsewhere.json", "own.json"]);
  around.clock.advance(ABANDONED_AFTER_MS + 1);
  note.sweep();
  assert.deepEqual(namesIn(runtime), []);
});

test("sender note: what a kill left of a first note goes, with its writer known or not", () => {
  const around = world();
  const [dead, runtime] = [new MemoryRuntime(around), new MemoryRuntime(around)];
  new SenderNote(dead, "/wal", "dead").write(REPORT);
  dead.files.rename(`${DIRECTORY}/dead.json`, `${DIRECTORY}/dead.json.77.tmp`);
  dead.files.createExclusive(`${DIRECTORY}/unknown.json.78.tmp`, "");
  dead.kill();
  const note = new SenderNote(runtime, "/wal", "own");
  note.write(REPORT);
  assert.deepEqual(namesIn(runtime), ["own.json", "unknown.json.78.tmp"]);
  around.clock.advance(STALE_AFTER_MS + 1);
  note.remove();
  assert.deepEqual(namesIn(runtime), []);
});
