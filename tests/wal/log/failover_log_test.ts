import assert from "node:assert/strict";
import { MemoryClock } from "../../support/simulated_runtime/memory_clock.ts";
import { WeaveWalError } from "../../../src/errors.ts";
import { DISK_RETRY_MS, FailoverLog } from "../../../src/wal/log/failover_log.ts";
import type { RequestLog } from "../../../src/wal/log/record_log.ts";
import { test } from "../../harness.ts";

/** A log that records its calls. */
class NotedLog implements RequestLog {
  readonly kind: "file" | "memory";
  readonly records: string[] = [];
  readonly asked: string[] = [];
  error: unknown = null;
  /** Number of undelivered records, for the log in memory. */
  waiting = 0;

  constructor(kind: "file" | "memory") {
    this.kind = kind;
  }
  append(_type: string, request: string): void {
    if (this.error) throw this.error;
    this.records.push(request);
  }
  get written() {
    return { records: this.records.length, bytes: this.records.join("").length };
  }
  sync(): Promise<void> {
    this.asked.push("sync");
    return Promise.resolve();
  }
  rotate = (): void => void this.asked.push("rotate");
  heartbeat = (): void => void this.asked.push("heartbeat");
  close = (): void => void this.asked.push("close");
  settled = (): Promise<void> => Promise.resolve();
  moveTo(other: RequestLog): void {
    for (const request of this.records.splice(0)) other.append("obj_create", request);
    this.waiting = 0;
  }
}

function world() {
  const clock = new MemoryClock();
  const disk = new NotedLog("file");
  const memory = new NotedLog("memory");
  const reported: unknown[] = [];
  const log = new FailoverLog({
    clock,
    disk,
    memory,
    sender: true,
    onDisk: (error) => void reported.push(error),
  });
  const append = (name: string) => log.append("obj_create", name);
  return { clock, disk, memory, reported, log, append };
}

const FULL = Object.assign(new Error("No space"), { code: "ENOSPC" });

test("failover: while the disk works, memory is not used", () => {
  const { log, append, disk, memory, reported } = world();
  append("a");
  append("b");
  assert.deepEqual([disk.records, memory.records, reported], [["a", "b"], [], []]);
  assert.equal(log.kind, "file");
});

test("failover: a record that the disk rejects is kept in memory, and that is reported once", () => {
  const { log, append, disk, memory, reported } = world();
  append("a");
  disk.error = FULL;
  for (const name of ["b", "c", "d"]) append(name);
  assert.deepEqual([disk.records, memory.records], [["a"], ["b", "c", "d"]]);
  assert.deepEqual(reported, [FULL]);
  assert.equal(log.kind, "memory");
  assert.deepEqual(disk.asked, ["close"], "what is on disk is final, and can be sent to its end");
  assert.deepEqual(log.written, { records: 4, bytes: 4 });
});

test("failover: the disk is retried periodically, and used again when it works", () => {
  const { clock, log, append, disk, memory, reported } = world();
  disk.error = FULL;
  append("a");
  clock.advance(DISK_RETRY_MS - 1);
  disk.error = null;
  append("b");
  assert.deepEqual(memory.records, ["a", "b"], "not for every record");
  clock.advance(1);
  append("c");
  append("d");
  assert.deepEqual([disk.records, memory.records], [["c", "d"], ["a", "b"]]);
  assert.deepEqual(reported, [FULL, null]);
  assert.deepEqual(memory.asked, ["close"], "what is in memory is sent to its end");
  assert.equal(log.kind, "file");
});

test("failover: a persistently failing disk is reported once, and retried at intervals", () => {
  const { clock, append, disk, memory, reported } = world();
  disk.error = FULL;
  for (let n = 0; n < 10; n++) {
    append(String(n));
    clock.advance(DISK_RETRY_MS);
  }
  assert.equal(memory.records.length, 10);
  assert.deepEqual(reported, [FULL]);
});

test("failover: a full quota does not count as a disk failure", () => {
  const { log, append, disk, memory, reported } = world();
  disk.error = new WeaveWalError("ERR_LOG_FULL", "Full");
  assert.throws(() => append("a"), { code: "ERR_LOG_FULL" });
  assert.deepEqual([memory.records, reported, log.kind], [[], [], "file"]);
});

test("failover: a record that memory rejects too is an error for the caller to count", () => {
  const { append, disk, memory } = world();
  disk.error = FULL;
  memory.error = new WeaveWalError("ERR_LOG_FULL", "Full");
  assert.throws(() => append("a"), { code: "ERR_LOG_FULL" });
});

test("failover: sync never reports records in memory as durable", async () => {
  const { clock, log, append, disk, memory } = world();
  await log.sync();
  assert.deepEqual(disk.asked, ["sync"]);
  disk.error = FULL;
  append("a");
  await assert.rejects(log.sync(), /disk has failed/);
  disk.error = null;
  memory.waiting = 1;
  clock.advance(DISK_RETRY_MS);
  append("b");
  await assert.rejects(log.sync(), /records in memory: 1/);
  assert.equal(disk.asked.at(-1), "sync", "what is on disk is synced all the same");
  memory.waiting = 0;
  await log.sync();
});

test("failover: heartbeats, rotation and closing reach the underlying logs", () => {
  const { log, disk, memory } = world();
  log.heartbeat();
  log.rotate();
  log.close();
  assert.deepEqual(disk.asked, ["heartbeat", "rotate", "close"]);
  assert.deepEqual(memory.asked, ["rotate", "close"]);
});
