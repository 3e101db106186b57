import assert from "node:assert/strict";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { MemoryClock } from "../../support/simulated_runtime/memory_clock.ts";
import type { MemoryOperation } from "../../support/simulated_runtime/memory_process.ts";
import { test } from "../../harness.ts";

const code = (value: string) => ({ code: value });

test("a simulated fault can shorten a write", () => {
  const runtime = new MemoryRuntime();
  const file = runtime.files.openAppend("/log");
  runtime.fault = ({ kind }) => kind === "write" ? { short: 3 } : undefined;
  assert.deepEqual(file.write("ééé"), { written: 3, length: 6 });
  assert.equal(file.writeBytes(new Uint8Array(10)), 3);
  assert.equal(file.size(), 6);
});

test("a simulated fault can fill the disk in the middle of a write", () => {
  const runtime = new MemoryRuntime();
  const file = runtime.files.openAppend("/log");
  runtime.fault = ({ kind }) => kind === "write" ? { code: "ENOSPC", written: 4 } : undefined;
  assert.throws(() => file.write("0123456789"), code("ENOSPC"));
  assert.equal(runtime.files.readText("/log"), "0123");
});

test("a simulated fault can affect every kind of operation, by path and index", async () => {
  const runtime = new MemoryRuntime({ cwd: "/work" });
  const seen: MemoryOperation[] = [];
  runtime.fault = (operation) => void seen.push(operation);
  const { files } = runtime;
  files.makeDirectory(".");
  files.createExclusive("a", "12");
  const file = files.openAppend("b");
  file.write("123");
  await file.dataSync();
  file.dataSyncNow();
  file.truncate(1);
  file.read(0, new Uint8Array(1));
  file.size();
  const reader = files.openRead("b");
  await reader.read(0, new Uint8Array(1));
  reader.byteAt(0);
  reader.readNow(0, new Uint8Array(1));
  files.readText("a");
  files.rename("a", "c");
  files.remove("c");
  files.list("/work");
  files.stat("b");
  files.replace("b", "1");
  await files.syncDirectory("/work");
  files.syncDirectoryNow("/work");
  files.makeDirectory("d");
  files.removeDirectory("d");
  assert.deepEqual(
    seen.map(({ kind, path, bytes }) => [kind, path, ...bytes === undefined ? [] : [bytes]]),
    [
      ["mkdir", "/work/."],
      ["create", "/work/a", 2],
      ["write", "/work/a", 2],
      ["open", "/work/b"],
      ["write", "/work/b", 3],
      ["sync", "/work/b"],
      ["sync", "/work/b"],
      ["truncate", "/work/b"],
      ["read", "/work/b"],
      ["stat", "/work/b"],
      ["open", "/work/b"],
      ["read", "/work/b"],
      ["read", "/work/b"],
      ["read", "/work/b"],
      ["read", "/work/a"],
      ["rename", "/work/a"],
      ["remove", "/work/c"],
      ["list", "/work"],
      ["stat", "/work/b"],
      ["replace", "/work/b", 1],
      ["write", "/work/b.1.tmp", 1],
      ["rename", "/work/b.1.tmp"],
      ["syncDirectory", "/work"],
      ["syncDirectory", "/work"],
      ["mkdir", "/work/d"],
      ["remove", "/work/d"],
    ],
  );
  assert.deepEqual(seen.map(({ index }) => index), seen.map((_, index) => index));
});

test("every operation in memory fails with the code of its fault and changes nothing", async () => {
  const runtime = new MemoryRuntime();
  const { files } = runtime;
  files.createExclusive("/a", "text");
  const file = files.openAppend("/log");
  file.write("kept");
  const reader = files.openRead("/log");
  runtime.fault = () => ({ code: "EIO" });
  const buffer = new Uint8Array(4);
  const operations: (() => unknown)[] = [
    () => file.write("x"),
    () => file.writeBytes(buffer),
    () => file.truncate(0),
    () => file.read(0, buffer),
    () => file.size(),
    () => file.dataSyncNow(),
    () => reader.byteAt(0),
    () => reader.size(),
    () => files.openAppend("/new"),
    () => files.openRead("/a"),
    () => files.readText("/a"),
    () => files.createExclusive("/new", ""),
    () => files.replace("/a", "other"),
    () => files.rename("/a", "/new"),
    () => files.remove("/a"),
    () => files.removeDirectory("/"),
    () => files.list("/"),
    () => files.stat("/a"),
    () => files.makeDirectory("/new"),
    () => files.syncDirectoryNow("/"),
  ];
  for (const operation of operations) assert.throws(operation, code("EIO"), `${operation}`);
  await assert.rejects(file.dataSync(), code("EIO"));
  await assert.rejects(reader.read(0, buffer), code("EIO"));
  await assert.rejects(files.syncDirectory("/"), code("EIO"));
  runtime.fault = undefined;
  assert.deepEqual(files.list("/").map(({ name }) => name), ["a", "log"]);
  assert.equal(files.readText("/a"), "text");
  assert.equal(files.readText("/log"), "kept");
});

test("a replace in memory that fails at any step leaves the old text and no temporary file", () => {
  for (const kind of ["replace", "write", "rename"]) {
    const runtime = new MemoryRuntime();
    runtime.files.createExclusive("/checkpoint", "100");
    runtime.fault = (operation) =>
      operation.kind === kind ? { code: "ENOSPC", written: 1 } : undefined;
    assert.throws(() => runtime.files.replace("/checkpoint", "200"), code("ENOSPC"));
    runtime.fault = undefined;
    assert.deepEqual(runtime.files.list("/"), [{ name: "checkpoint", kind: "file" }]);
    assert.equal(runtime.files.readText("/checkpoint"), "100");
  }
});

test("a failed create in memory removes its file, even if no byte is ever written", () => {
  const runtime = new MemoryRuntime();
  runtime.fault = ({ kind }) => kind === "write" ? { code: "ENOSPC", written: 1 } : undefined;
  assert.throws(() => runtime.files.createExclusive("/lock", "123"), code("ENOSPC"));
  runtime.fault = ({ kind }) => kind === "write" ? { short: 0 } : undefined;
  assert.throws(() => runtime.files.createExclusive("/lock", "123"), code("EIO"));
  runtime.fault = undefined;
  assert.deepEqual(runtime.files.list("/"), []);
});

test("the schedule decides when reads and syncs complete", async () => {
  const queue: (() => void)[] = [];
  const runtime = new MemoryRuntime({ schedule: (run) => void queue.push(run) });
  const file = runtime.files.openAppend("/log");
  file.write("old");
  const order: string[] = [];
  const into = new Uint8Array(9);
  const sync = file.dataSync().then(() => order.push("sync"));
  const read = runtime.files.openRead("/log").read(0, into).then((count) => {
    order.push(`read ${count}`);
  });
  file.write(" new");
  assert.equal(queue.length, 2);
  queue[1]();
  await read;
  queue[0]();
  await sync;
  // A read returns the state at its completion.
  assert.deepEqual(order, ["read 7", "sync"]);
});

test("the simulated clock fires timers in order and moves to each", () => {
  const clock = new MemoryClock(1_000);
  const fired: string[] = [];
  const at = (name: string) => () => fired.push(`${name}@${clock.monotonic()}`);
  clock.after(20, at("c"));
  clock.after(10, at("a"));
  clock.after(10, at("b"));
  clock.after(5, at("never")).cancel();
  clock.after(10, () => void clock.after(5, at("nested")));
  assert.equal(clock.next, 10);
  clock.advance(15);
  assert.deepEqual(fired, ["a@10", "b@10", "nested@15"]);
  assert.equal(clock.monotonic(), 15);
  assert.equal(clock.now(), 1_015);
  assert.equal(clock.runNext(), true);
  assert.deepEqual(fired.slice(3), ["c@20"]);
  assert.equal(clock.runNext(), false);
  assert.equal(clock.next, undefined);
});

test("a jump of the simulated wall clock affects neither timers nor the monotonic clock", () => {
  const clock = new MemoryClock(1_000_000);
  let fired = false;
  clock.after(10, () => fired = true);
  clock.jump(-500_000);
  assert.equal(clock.now(), 500_000);
  assert.equal(clock.monotonic(), 0);
  clock.advance(9);
  assert.equal(fired, false);
  clock.advance(1);
  assert.equal(fired, true);
  assert.equal(clock.now(), 500_010);
});

test("elapse lets a timer be set by what a timer set off", async () => {
  const clock = new MemoryClock();
  const fired: number[] = [];
  const loop = async () => {
    for (let round = 0; round < 3; round++) {
      await new Promise<void>((resolve) => void clock.after(10, resolve));
      fired.push(clock.monotonic());
    }
  };
  const done = loop();
  await clock.elapse(25);
  assert.deepEqual(fired, [10, 20]);
  assert.equal(clock.monotonic(), 25);
  await clock.elapse(5);
  await done;
  assert.deepEqual(fired, [10, 20, 30]);
});

test("a disk in memory can be modified and inspected from outside", () => {
  const runtime = new MemoryRuntime();
  runtime.disk.put("/a/b/file", "text");
  runtime.disk.put("/a/b/file", "shorter".slice(0, 5));
  runtime.disk.symlink("/a/b", "/link");
  runtime.disk.symlink("../b/file", "/a/b/relative");
  assert.equal(runtime.files.readText("/link/file"), "short");
  assert.equal(runtime.files.readText("/a/b/relative", { followLinks: true }), "short");
  assert.equal(runtime.files.readText("/a/../a/./b/file"), "short");
  assert.deepEqual(runtime.disk.bytes("/link/file"), new TextEncoder().encode("short"));
  runtime.disk.symlink("/loop", "/loop");
  assert.throws(() => runtime.files.readText("/loop", { followLinks: true }), code("ELOOP"));
  runtime.disk.fifo("/a/fifo");
  assert.equal(runtime.files.stat("/a/fifo")!.kind, "other");
  assert.throws(() => runtime.disk.fifo("/a/fifo"), code("EEXIST"));
});
