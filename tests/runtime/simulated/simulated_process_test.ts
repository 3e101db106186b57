import assert from "node:assert/strict";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { MemoryClock } from "../../support/simulated_runtime/memory_clock.ts";
import { MemoryDisk } from "../../support/simulated_runtime/memory_disk.ts";
import { MemoryHost } from "../../support/simulated_runtime/memory_host.ts";
import { test } from "../../harness.ts";

const code = (value: string) => ({ code: value });

/** A promise's state once all promises have settled. */
async function stateOf(promise: Promise<unknown>): Promise<string> {
  const state = promise.then(() => "resolved", (error) => `rejected ${error.code}`);
  const turn = new Promise<string>((resolve) => void setTimeout(() => resolve("pending"), 1));
  return await Promise.race([state, turn]);
}

test("no other process observes a partial replace in memory", () => {
  const runtime = new MemoryRuntime();
  const other = new MemoryRuntime({ disk: runtime.disk });
  runtime.files.createExclusive("/checkpoint", "100");
  const seen = new Set<string>();
  runtime.fault = ({ kind }) => {
    seen.add(other.files.readText("/checkpoint"));
    return kind === "write" ? { short: 1 } : undefined;
  };
  runtime.files.replace("/checkpoint", "20000");
  seen.add(other.files.readText("/checkpoint"));
  assert.deepEqual([...seen], ["100", "20000"]);
});

test("a killed process performs no further operations, and its written data stays", async () => {
  const disk = new MemoryDisk();
  const runtime = new MemoryRuntime({ disk });
  const file = runtime.files.openAppend("/log");
  file.write("page cache");
  const reader = runtime.files.openRead("/log");
  const pending = [
    file.dataSync(),
    reader.read(0, new Uint8Array(4)),
    runtime.files.syncDirectory("/"),
  ];
  runtime.kill();
  runtime.kill();
  assert.equal(runtime.dead, true);
  for (const promise of pending) assert.equal(await stateOf(promise), "pending");
  assert.throws(() => file.write("late"), code("ESIMKILLED"));
  assert.throws(() => runtime.files.stat("/log"), code("ESIMKILLED"));
  assert.throws(() => runtime.files.openAppend("/new"), code("ESIMKILLED"));
  await assert.rejects(file.dataSync(), code("ESIMKILLED"));
  await assert.rejects(runtime.files.syncDirectory("/"), code("ESIMKILLED"));
  file.close();
  assert.equal(new MemoryRuntime({ disk }).files.readText("/log"), "page cache");
});

test("a process killed during a replace leaves the state of that moment", () => {
  const left = (at: string) => {
    const disk = new MemoryDisk();
    const runtime = new MemoryRuntime({ disk });
    runtime.files.createExclusive("/checkpoint", "100");
    runtime.fault = ({ kind }) => {
      if (kind === at) runtime.kill();
      return undefined;
    };
    assert.throws(() => runtime.files.replace("/checkpoint", "200"), code("ESIMKILLED"));
    const { files } = new MemoryRuntime({ disk });
    return files.list("/").map(({ name }) => `${name}=${files.readText(`/${name}`)}`);
  };
  assert.deepEqual(left("replace"), ["checkpoint=100"]);
  assert.deepEqual(left("write"), ["checkpoint=100", "checkpoint.1.tmp="]);
  assert.deepEqual(left("rename"), ["checkpoint=100", "checkpoint.1.tmp=200"]);
});

test("a killed process's timers never fire, others' do", () => {
  const clock = new MemoryClock();
  const [first, second] = [new MemoryRuntime({ clock }), new MemoryRuntime({ clock })];
  const fired: string[] = [];
  first.clock.after(1, () => fired.push("first"));
  second.clock.after(2, () => fired.push("second"));
  first.kill();
  first.clock.after(1, () => fired.push("first, set late"));
  clock.advance(10);
  assert.deepEqual(fired, ["second"]);
  assert.equal(clock.pending, 0);
});

test("processes of one host detect the start and end of each other", () => {
  const host = new MemoryHost({ name: "pod", bootId: "b", pidNamespace: "pid:[7]" });
  const first = new MemoryRuntime({ host });
  const second = new MemoryRuntime({ host });
  assert.notEqual(first.process.pid, second.process.pid);
  assert.ok(first.process.findProcess(second.process.pid));
  assert.equal(first.process.findProcess(second.process.pid)?.startTime, second.process.startTime);
  second.kill();
  assert.equal(first.process.findProcess(second.process.pid), null);
  const again = new MemoryRuntime({ host, pid: second.process.pid });
  assert.ok(first.process.findProcess(second.process.pid));
  assert.notEqual(again.process.startTime, second.process.startTime);
  assert.throws(() => new MemoryRuntime({ host, pid: again.process.pid }));
  assert.deepEqual(
    [again.process.host, again.process.bootId, again.process.pidNamespace],
    ["pod", "b", "pid:[7]"],
  );
});

test("two containers each have a process 1, and a reboot changes the boot ID", () => {
  const disk = new MemoryDisk();
  const one = new MemoryHost({ pidNamespace: "pid:[1]" });
  const other = new MemoryHost({ pidNamespace: "pid:[2]" });
  const first = new MemoryRuntime({ disk, host: one, pid: 1 });
  new MemoryRuntime({ disk, host: other, pid: 1 }).kill();
  assert.ok(first.process.findProcess(1));
  const before = one.bootId;
  one.reboot();
  assert.notEqual(one.bootId, before);
  assert.equal(first.process.findProcess(1), null);
  assert.equal(first.process.bootId, before);
  const hidden = new MemoryHost({ bootId: null, pidNamespace: null, startTimes: false });
  const { process } = new MemoryRuntime({ host: hidden });
  assert.deepEqual([process.bootId, process.pidNamespace, process.startTime], [null, null, null]);
});

test("a simulated process runs its exit listeners as a real one does", async () => {
  const ran: string[] = [];
  const listen = (runtime: MemoryRuntime) => {
    runtime.process.onBeforeExit(async () => {
      await Promise.resolve();
      ran.push("natural");
    });
    runtime.process.onBeforeExit(() => Promise.reject(new Error("Dropped")));
    runtime.process.onExit(() => {
      throw new Error("Dropped");
    });
    runtime.process.onExit(() => ran.push("exit"));
    return runtime;
  };
  await listen(new MemoryRuntime()).exitNaturally();
  assert.deepEqual(ran.splice(0), ["natural", "exit"]);
  const second = listen(new MemoryRuntime());
  second.exit();
  second.exit();
  assert.deepEqual(ran.splice(0), ["exit"]);
  assert.equal(second.dead, true);
  listen(new MemoryRuntime()).kill();
  assert.deepEqual(ran, []);
});
