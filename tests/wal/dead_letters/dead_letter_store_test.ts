import assert from "node:assert/strict";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { MemoryDisk } from "../../support/simulated_runtime/memory_disk.ts";
import { MemoryHost } from "../../support/simulated_runtime/memory_host.ts";
import type { MemoryOperation } from "../../support/simulated_runtime/memory_process.ts";
import { readDeadLetters } from "../../../src/wal/dead_letters/dead_letter_reader.ts";
import {
  DeadLetterStore,
  unfinishedTransactions,
} from "../../../src/wal/dead_letters/dead_letter_transaction.ts";
import { DeadLetterFile } from "../../../src/wal/dead_letters/dead_letter_file.ts";
import { segmentPaths } from "../../../src/wal/segment/segment_name.ts";
import { test } from "../../harness.ts";
import { LogWorld, PROJECT } from "../../support/wal/wal_fixture.ts";

const DIRECTORY = "/wal/acme/chat";
const STEM = `00000000000000000001_${"a".repeat(32)}`;
const PATHS = segmentPaths(DIRECTORY, STEM);
const ASIDE = `${DIRECTORY}/.retry/${STEM}.deadletter`;
const [FIRST, SECOND] = ["1".repeat(32), "2".repeat(32)];

function line(offset: number, retries = 0): string {
  const error = {
    reason: "refused",
    status: 422,
    offset,
    length: 2,
    ...(retries ? { retries } : {}),
  };
  return `{"type":"call_end","req":{"n":1.0},"error":${JSON.stringify(error)}}\n`;
}

/** Offsets of the entries in all files, without duplicates. */
async function offsets(runtime: MemoryRuntime): Promise<number[]> {
  const found = new Set<number>();
  for (const path of [PATHS.deadLetters, ASIDE]) {
    if (runtime.files.stat(path) === null) continue;
    for await (const { error, corrupt } of readDeadLetters(runtime.files, path)) {
      if (corrupt === undefined) found.add(error.offset!);
    }
  }
  return [...found].sort((a, b) => a - b);
}

/** Removes entries 0 and 20, rewrites 30, keeps 10 and 40. */
async function workThrough(runtime: MemoryRuntime): Promise<void> {
  const store = DeadLetterStore.claim(runtime, DIRECTORY, FIRST)!;
  const transaction = (await store.begin(STEM))!;
  const entries = [];
  for await (const entry of transaction.entries()) entries.push(entry);
  transaction.remove(entries.filter(({ error }) => error.offset === 0));
  await transaction.replace([[entries[3], line(30, 1)]]);
  transaction.remove(entries.filter(({ error }) => error.offset === 20));
  await transaction.rollback();
  store.release();
}

/** Runs the work until the operation with this number; `true` if it ended earlier. */
async function workUntil(
  runtime: MemoryRuntime,
  index: number,
  happen: () => void,
): Promise<boolean> {
  const reached = new Promise<boolean>((resolve) => {
    runtime.fault = (operation: MemoryOperation) => {
      if (operation.index >= index && !runtime.dead) {
        happen();
        resolve(false);
      }
      return undefined;
    };
  });
  const work = workThrough(runtime).then(() => true, (error) => {
    if (!runtime.dead) throw error;
    return false;
  });
  return await Promise.race([work, reached]);
}

function fiveDeadLetters(): MemoryDisk {
  const disk = new MemoryDisk();
  disk.put(PATHS.deadLetters, [0, 10, 20, 30, 40].map((offset) => line(offset)).join(""));
  return disk;
}

test("unsettled dead letters are kept byte for byte during a retry", async () => {
  const runtime = new MemoryRuntime({ disk: fiveDeadLetters() });
  await workThrough(runtime);
  assert.equal(runtime.files.readText(PATHS.deadLetters), line(30, 1) + line(10) + line(40));
  assert.deepEqual(runtime.files.list(DIRECTORY).map(({ name }) => name), [`${STEM}.deadletter`]);
});

test("no dead letter is lost if the process is killed at any operation", async () => {
  for (let index = 0, over = false; !over; index++) {
    const disk = fiveDeadLetters();
    const host = new MemoryHost();
    const first = new MemoryRuntime({ disk, host });
    over = await workUntil(first, index, () => first.kill());
    first.time.advance(15_000); // An empty claim is waited for.
    const next = new MemoryRuntime({ disk, host, clock: first.time });
    const present = await offsets(next);
    for (const kept of [10, 30, 40]) assert.ok(present.includes(kept), `${kept} at ${index}`);
    // The next process rolls back what the first one had taken.
    const store = DeadLetterStore.claim(next, DIRECTORY, SECOND)!;
    assert.ok(store, `the claim of a dead process holds at ${index}`);
    await (await store.begin(STEM))?.rollback();
    store.release();
    assert.deepEqual(await offsets(next), present, `at ${index}`);
    assert.deepEqual(unfinishedTransactions(next.files, DIRECTORY), []);
    assert.ok(index < 200, "the work never ends");
  }
});

test("no dead letter is lost in a machine crash at any operation", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    for (let index = 0, over = false; !over; index++) {
      let state = seed * 1_000 + index;
      const random = () => (state = (state * 1_103_515_245 + 12_345) & 0x7fffffff) / 0x80000000;
      const disk = fiveDeadLetters();
      const host = new MemoryHost();
      const first = new MemoryRuntime({ disk, host });
      over = await workUntil(first, index, () => disk.crash(random));
      host.reboot();
      const present = await offsets(new MemoryRuntime({ disk, host }));
      for (const kept of [10, 30, 40]) {
        assert.ok(present.includes(kept), `seed ${seed}: ${kept} is lost at operation ${index}`);
      }
    }
  }
});

test("records that a sender dead-letters meanwhile are kept, also by a sender that had the old file open", async () => {
  const disk = fiveDeadLetters();
  const host = new MemoryHost();
  const runtime = new MemoryRuntime({ disk, host });
  const sender = new MemoryRuntime({ disk, host });
  const late = sender.files.openAppend(PATHS.deadLetters);
  const store = DeadLetterStore.claim(runtime, DIRECTORY, FIRST)!;
  const transaction = (await store.begin(STEM))!;
  const entries = [];
  for await (const entry of transaction.entries()) entries.push(entry);
  transaction.remove(entries);
  const fresh = new DeadLetterFile(sender.files, sender.clock, DIRECTORY, PATHS);
  const deadLetter = { reason: "refused" as const, offset: 60, length: 2 };
  await fresh.append(
    [{ ...deadLetter, line: new TextEncoder().encode('{"type":"call_end","req":{}}') }],
    () => Promise.resolve(0),
  );
  late.write(line(50).slice(0, 30)); // In two parts; the second arrives while the first is being read.
  const putting = transaction.rollback();
  late.write(line(50).slice(30));
  await putting;
  store.release();
  assert.deepEqual(await offsets(runtime), [50, 60]);
});

test("two processes cannot hold the dead letters of a project at once", async () => {
  const disk = fiveDeadLetters();
  const host = new MemoryHost();
  const [first, second] = [new MemoryRuntime({ disk, host }), new MemoryRuntime({ disk, host })];
  const store = DeadLetterStore.claim(first, DIRECTORY, FIRST)!;
  assert.equal(DeadLetterStore.claim(second, DIRECTORY, SECOND), null);
  const transaction = (await store.begin(STEM))!;
  assert.equal(DeadLetterStore.claim(second, DIRECTORY, SECOND), null);
  await transaction.rollback();
  store.release();
  const next = DeadLetterStore.claim(second, DIRECTORY, SECOND);
  assert.ok(next);
  next.release();
});

test("a process that lost the claim on dead letters removes nothing", async () => {
  const disk = fiveDeadLetters();
  const first = new MemoryRuntime({ disk, host: new MemoryHost({ name: "one" }) });
  const second = new MemoryRuntime({
    disk,
    host: new MemoryHost({ name: "two" }),
    clock: first.time,
  });
  const store = DeadLetterStore.claim(first, DIRECTORY, FIRST)!;
  const transaction = (await store.begin(STEM))!;
  assert.equal(DeadLetterStore.claim(second, DIRECTORY, SECOND), null);
  first.time.advance(400_000); // Unresponsive on another host for longer than any timeout.
  const taken = DeadLetterStore.claim(second, DIRECTORY, SECOND)!;
  const again = (await taken.begin(STEM))!;
  await assert.rejects(transaction.rollback(), { code: "ERR_LEASE_LOST" });
  await again.rollback();
  taken.release();
  assert.deepEqual(await offsets(second), [0, 10, 20, 30, 40]);
});

test("after a full disk, the taken dead letters are complete", async () => {
  const runtime = new MemoryRuntime({ disk: fiveDeadLetters() });
  runtime.fault = ({ kind, path }) =>
    kind === "write" && path === PATHS.deadLetters ? { code: "ENOSPC", written: 7 } : undefined;
  await assert.rejects(workThrough(runtime), { code: "ENOSPC" });
  runtime.fault = undefined;
  assert.deepEqual(await offsets(runtime), [0, 10, 20, 30, 40]);
});

test("dead letters claimed before a reboot are not blocked by a clock that was set back", () => {
  const world = new LogWorld();
  assert.ok(DeadLetterStore.claim(world.process(), PROJECT, "a".repeat(32)));
  world.host.reboot();
  assert.equal(DeadLetterStore.claim(world.process(), PROJECT, "b".repeat(32)), null, "too soon");
  world.clock.jump(-3_600_000);
  assert.ok(DeadLetterStore.claim(world.process(), PROJECT, "c".repeat(32)));
});
