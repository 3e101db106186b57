import assert from "node:assert/strict";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { MemoryDisk } from "../../support/simulated_runtime/memory_disk.ts";
import { test } from "../../harness.ts";

/** Numbers in [0, 1) determined by the seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = state + 0x6d2b79f5 | 0;
    let mixed = Math.imul(state ^ state >>> 15, 1 | state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}

const SEEDS = 500;

/** Results of `look` after machine crashes, one per seed. */
function outcomes<Seen>(
  program: (runtime: MemoryRuntime) => void,
  look: (files: MemoryRuntime["files"], disk: MemoryDisk) => Seen,
): Seen[] {
  return Array.from({ length: SEEDS }, (_, seed) => {
    const disk = new MemoryDisk();
    const runtime = new MemoryRuntime({ disk });
    program(runtime);
    disk.crash(seeded(seed));
    assert.equal(runtime.dead, true);
    return look(new MemoryRuntime({ disk }).files, disk);
  });
}

const namesIn = (directory: string) => (files: MemoryRuntime["files"]) =>
  files.list(directory).map(({ name }) => name).sort().join(" ");

test("synced data and names survive every machine crash", () => {
  const left = outcomes((runtime) => {
    runtime.files.makeDirectory("/wal");
    runtime.files.syncDirectoryNow("/");
    const file = runtime.files.openAppend("/wal/log");
    runtime.files.syncDirectoryNow("/wal");
    file.write("synced\n");
    file.dataSyncNow();
    file.write("not synced\n".repeat(200));
  }, (files) => files.readText("/wal/log"));
  assert.ok(left.every((text) => text.startsWith("synced\n")));
});

test("a machine crash drops, keeps or tears unsynced data", () => {
  const synced = "s".repeat(700);
  const lost = "l".repeat(900) + "m".repeat(1_500);
  const left = outcomes((runtime) => {
    const file = runtime.files.openAppend("/log");
    runtime.files.syncDirectoryNow("/");
    file.write(synced);
    file.dataSyncNow();
    file.write(lost.slice(0, 900));
    file.write(lost.slice(900));
  }, (files) => files.readText("/log").slice(synced.length));
  assert.ok(left.some((text) => text === ""));
  assert.ok(left.some((text) => text === lost));
  assert.ok(left.some((text) => text !== "" && lost.startsWith(text) && text !== lost));
  assert.ok(left.some((text) => text.includes("\0") && text.endsWith("m")), "zeros before data");
  assert.ok(left.some((text) => /^\0+$/.test(text)), "only zeros");
  for (const text of left) {
    assert.ok(text.length <= lost.length);
    for (let at = 0; at < text.length; at++) {
      assert.ok(text[at] === lost[at] || text[at] === "\0", `${at}`);
    }
  }
});

test("a machine crash tears only at sector or write boundaries", () => {
  const borders = new Set([0, 100, 900, 4_000]);
  for (let border = 512; border < 4_000; border += 512) borders.add(border);
  const left = outcomes((runtime) => {
    const file = runtime.files.openAppend("/log");
    runtime.files.syncDirectoryNow("/");
    for (const size of [100, 800, 3_100]) file.writeBytes(new Uint8Array(size).fill(1));
  }, (_files, disk) => disk.bytes("/log"));
  for (const bytes of left) {
    assert.ok(borders.has(bytes.length), `${bytes.length}`);
    for (let at = 1; at < bytes.length; at++) {
      if (bytes[at] !== bytes[at - 1]) assert.ok(borders.has(at), `${at}`);
    }
  }
  assert.ok(new Set(left.map(({ length }) => length)).size > 8);
});

test("a data sync covers everything written before it began, when it completes", async () => {
  const run = async (completes: boolean) => {
    const queue: (() => void)[] = [];
    const disk = new MemoryDisk();
    const runtime = new MemoryRuntime({ disk, schedule: (run) => void queue.push(run) });
    const file = runtime.files.openAppend("/log");
    runtime.files.syncDirectoryNow("/");
    file.write("before ");
    const syncing = file.dataSync();
    file.write("during");
    if (completes) {
      queue[0]();
      await syncing;
    }
    // Everything that is not durable is dropped.
    disk.crash(() => 0);
    return new MemoryRuntime({ disk }).files.readText("/log");
  };
  assert.equal(await run(true), "before ");
  assert.equal(await run(false), "");
});

test("after a failed data sync the bytes are readable, but no later sync covers them", async () => {
  const disk = new MemoryDisk();
  const runtime = new MemoryRuntime({ disk });
  const file = runtime.files.openAppend("/log");
  runtime.files.syncDirectoryNow("/");
  file.write("safe ");
  file.dataSyncNow();
  file.write("lost ");
  runtime.fault = ({ kind }) => kind === "sync" ? { code: "EIO" } : undefined;
  await assert.rejects(file.dataSync(), { code: "EIO" });
  runtime.fault = undefined;
  file.write("late");
  await file.dataSync();
  assert.equal(runtime.files.readText("/log"), "safe lost late");
  disk.crash(() => 0);
  assert.equal(new MemoryRuntime({ disk }).files.readText("/log"), "safe \0\0\0\0\0late");
});

test("an unsynced truncation happens entirely or not at all", () => {
  const left = outcomes((runtime) => {
    const file = runtime.files.openAppend("/log");
    runtime.files.syncDirectoryNow("/");
    file.write("good|bad");
    file.dataSyncNow();
    file.truncate(5);
    file.write("next");
  }, (files) => files.readText("/log"));
  assert.deepEqual([...new Set(left)].sort(), [
    "good|",
    "good|\0\0\0\0",
    "good|bad",
    "good|next",
  ]);
});

test("unsynced names survive in the order of their creation", () => {
  const left = outcomes((runtime) => {
    for (const name of ["a", "b", "c"]) runtime.files.createExclusive(`/${name}`, "");
    runtime.files.remove("/a");
  }, namesIn("/"));
  assert.deepEqual([...new Set(left)].sort(), ["", "a", "a b", "a b c", "b c"]);
});

test("a directory sync covers the names in that directory only", () => {
  const left = outcomes((runtime) => {
    const { files } = runtime;
    files.makeDirectory("/x");
    files.makeDirectory("/y");
    files.syncDirectoryNow("/");
    files.createExclusive("/x/1", "");
    files.createExclusive("/y/1", "");
    files.syncDirectoryNow("/x");
    files.createExclusive("/x/2", "");
  }, (files) => [namesIn("/x")(files), namesIn("/y")(files)].join(" | "));
  assert.deepEqual([...new Set(left)].sort(), ["1 2 | ", "1 2 | 1", "1 | ", "1 | 1"]);
});

test("an unsynced directory loses its files in a crash", () => {
  const left = outcomes((runtime) => {
    runtime.files.makeDirectory("/wal/entity");
    const file = runtime.files.openAppend("/wal/entity/log");
    file.write("synced");
    file.dataSyncNow();
    runtime.files.syncDirectoryNow("/wal/entity");
  }, (files) => files.stat("/wal/entity/log") !== null);
  assert.ok(left.includes(true));
  assert.ok(left.includes(false));
});

test("a rename is atomic, within a directory and between two directories", () => {
  for (const to of ["/from/new", "/to/new"]) {
    const left = outcomes((runtime) => {
      const { files } = runtime;
      files.makeDirectory("/from");
      files.makeDirectory("/to");
      files.createExclusive("/from/old", "moved");
      for (const path of ["/from", "/to", "/"]) files.syncDirectoryNow(path);
      files.rename("/from/old", to);
    }, (files) => [files.stat("/from/old") !== null, files.stat(to) !== null].join());
    assert.deepEqual([...new Set(left)].sort(), ["false,true", "true,false"]);
  }
});

test("nothing survives in a directory that came after a rename which did not", () => {
  const left = outcomes((runtime) => {
    const { files } = runtime;
    for (const path of ["/from", "/to"]) files.makeDirectory(path);
    files.createExclusive("/from/log", "");
    for (const path of ["/from", "/"]) files.syncDirectoryNow(path);
    files.rename("/from/log", "/to/log");
    files.createExclusive("/to/later", "");
  }, (files) => [namesIn("/from")(files), namesIn("/to")(files)].join(" | "));
  assert.deepEqual([...new Set(left)].sort(), [" | later log", " | log", "log | "]);
});

test("a directory sync covers the names that existed when it began", async () => {
  const queue: (() => void)[] = [];
  const disk = new MemoryDisk();
  const runtime = new MemoryRuntime({ disk, schedule: (run) => void queue.push(run) });
  runtime.files.createExclusive("/before", "");
  const syncing = runtime.files.syncDirectory("/");
  runtime.files.createExclusive("/during", "");
  queue[0]();
  await syncing;
  disk.crash(() => 0);
  assert.equal(namesIn("/")(new MemoryRuntime({ disk }).files), "before");
});

test("a rename synced only in one directory is undone in the other", () => {
  const left = outcomes((runtime) => {
    const { files } = runtime;
    files.makeDirectory("/from");
    files.makeDirectory("/to");
    files.syncDirectoryNow("/");
    files.createExclusive("/from/log", "");
    files.rename("/from/log", "/to/log");
    files.syncDirectoryNow("/to");
  }, (files) => [files.stat("/from/log") !== null, files.stat("/to/log") !== null].join());
  assert.deepEqual([...new Set(left)], ["false,true"]);
});

test("an unsynced replace leaves the old text, the new text, or a torn one", () => {
  const left = outcomes((runtime) => {
    runtime.disk.put("/checkpoint", "100");
    runtime.files.replace("/checkpoint", "20000");
  }, (files) => files.readText("/checkpoint"));
  assert.ok(left.includes("100"));
  assert.ok(left.includes("20000"));
  assert.ok(left.includes(""));
  for (const text of left) assert.ok(["100", "20000", "", "\0\0\0\0\0"].includes(text), text);
});

test("a removed name may reappear with its synced data if the removal was not synced", () => {
  const left = outcomes((runtime) => {
    runtime.disk.put("/log", "data");
    runtime.files.remove("/log");
  }, (files) => files.stat("/log") ? files.readText("/log") : null);
  assert.deepEqual([...new Set(left)].sort(), ["data", null]);
});

test("a machine crash is the same for the same seed", () => {
  const program = (runtime: MemoryRuntime) => {
    for (let file = 0; file < 5; file++) {
      const log = runtime.files.openAppend(`/${file}`);
      for (let line = 0; line < 9; line++) log.write(`${file} ${line} `.repeat(50));
    }
  };
  const look = (files: MemoryRuntime["files"]) =>
    files.list("/").map(({ name }) => files.readText(`/${name}`)).join("\n");
  const first = outcomes(program, look);
  assert.deepEqual(outcomes(program, look), first);
  assert.ok(new Set(first).size > 50);
});

test("a second crash does not change the state after the first", () => {
  for (let seed = 0; seed < 50; seed++) {
    const disk = new MemoryDisk();
    new MemoryRuntime({ disk }).files.openAppend("/log").write("text ".repeat(500));
    disk.crash(seeded(seed));
    const look = () => {
      const { files } = new MemoryRuntime({ disk });
      return files.list("/").map(({ name }) => files.readText(`/${name}`)).join();
    };
    const first = look();
    disk.crash(seeded(seed + 1_000));
    assert.equal(look(), first);
  }
});

test("a machine crash inside an operation ends the process there", () => {
  const disk = new MemoryDisk();
  const runtime = new MemoryRuntime({ disk });
  const other = new MemoryRuntime({ disk });
  runtime.disk.put("/checkpoint", "100");
  runtime.fault = ({ kind }) => {
    if (kind === "rename") disk.crash(() => 0);
    return undefined;
  };
  assert.throws(() => runtime.files.replace("/checkpoint", "200"), { code: "ESIMKILLED" });
  assert.equal(other.dead, true);
  const { files } = new MemoryRuntime({ disk });
  assert.equal(namesIn("/")(files), "checkpoint");
  assert.equal(files.readText("/checkpoint"), "100");
});
