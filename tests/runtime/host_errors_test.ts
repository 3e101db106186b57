import assert from "node:assert/strict";
import * as realFs from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { test } from "../harness.ts";
import { detectRuntime } from "../../src/runtime/detect.ts";
import { inChunks } from "../../src/runtime/node/list_directory.ts";
import { failsWith } from "../support/runtime/contract_fixture.ts";

// deno-lint-ignore no-explicit-any -- replaces functions of any shape
type Module = Record<string, any>;
const fs = process.getBuiltinModule("node:fs") as Module;
const { files, process: facts } = detectRuntime();
const error = (code: string) => Object.assign(new Error(code), { code });

/** Runs `body` in an empty directory with functions of a built-in module replaced. */
async function withStubs(
  module: Module,
  stubs: Module,
  body: (directory: string) => void | Promise<void>,
): Promise<void> {
  const directory = realFs.mkdtempSync(`${tmpdir()}/weave-wal-stubs-`);
  const before = Object.fromEntries(Object.keys(stubs).map((name) => [name, module[name]]));
  Object.assign(module, stubs);
  try {
    await body(directory);
  } finally {
    Object.assign(module, before);
    realFs.rmSync(directory, { recursive: true });
  }
}

const { writeSync, fstatSync, readSync, lstatSync, openSync, closeSync } = fs;
const short = (fd: number, bytes: Uint8Array, from: number, length: number) =>
  writeSync(fd, bytes, from, Math.min(length, 3));

test("a new file is complete despite short writes", () =>
  withStubs(fs, { writeSync: short }, (directory) => {
    files.createExclusive(`${directory}/lock`, "0123456789");
    files.replace(`${directory}/checkpoint`, "9876543210");
    assert.equal(files.readText(`${directory}/lock`), "0123456789");
    assert.equal(files.readText(`${directory}/checkpoint`), "9876543210");
  }));

for (
  const [what, code, fails] of [
    ["an error", "ENOSPC", () => {
      throw error("ENOSPC");
    }],
    ["a write of nothing", "EIO", () => 0],
  ] as const
) {
  test(`a new file that ${what} prevents from being written is removed`, async () => {
    let writes = 0;
    const writing = (fd: number, bytes: Uint8Array, from: number, length: number) =>
      ++writes % 2 === 1 ? short(fd, bytes, from, length) : fails();
    const open = new Set<number>();
    const stubs = {
      writeSync: writing,
      openSync: (...args: unknown[]) => {
        const fd = openSync(...args);
        open.add(fd);
        return fd;
      },
      closeSync: (fd: number) => {
        open.delete(fd);
        closeSync(fd);
      },
    };
    await withStubs(fs, stubs, (directory) => {
      assert.throws(() => files.createExclusive(`${directory}/lock`, "0123"), failsWith(code));
      assert.throws(() => files.replace(`${directory}/lock`, "0123"), failsWith(code));
      assert.deepEqual(files.list(directory), []);
    });
    assert.equal(open.size, 0, "no descriptor stays open");
  });
}

test("an existing file stays if a new one cannot be opened", () =>
  withStubs(fs, {}, (directory) => {
    files.createExclusive(`${directory}/lock`, "of another");
    const openSync = () => {
      throw error("EMFILE");
    };
    return withStubs(fs, { openSync }, () => {
      assert.throws(() => files.createExclusive(`${directory}/lock`, "own"), failsWith("EMFILE"));
    }).then(() => assert.equal(files.readText(`${directory}/lock`), "of another"));
  }));

test("replace renames a temporary file next to the target, or removes it", () => {
  const renames: string[] = [];
  const renameSync = (from: string) => {
    renames.push(from);
    throw error("EXDEV");
  };
  return withStubs(fs, { renameSync }, (directory) => {
    assert.throws(() => files.replace(`${directory}/target`, "text"), failsWith("EXDEV"));
    assert.ok(renames[0].startsWith(`${directory}/target.`), renames[0]);
    assert.match(renames[0], /target\.[0-9a-f]{8}\.tmp$/);
    assert.deepEqual(files.list(directory), []);
  });
});

test("a file that is truncated during a read gives the remaining bytes", async () => {
  let reads = 0;
  const stubs = {
    fstatSync: (fd: number) => Object.assign(fstatSync(fd), { size: 1_000 }),
    readSync: (...args: unknown[]) => {
      assert.ok(++reads < 10, "reads on and on");
      return readSync(...args);
    },
  };
  await withStubs(fs, stubs, (directory) => {
    files.createExclusive(`${directory}/file`, "left");
    assert.equal(files.readText(`${directory}/file`), "left");
  });
});

test("files with the same inode number on two devices are distinct", async () => {
  let device = 1n;
  const stubs = {
    lstatSync: (path: string, options: unknown) =>
      Object.assign(lstatSync(path, options), { dev: device++, ino: 7n }),
  };
  await withStubs(fs, stubs, (directory) => {
    assert.notEqual(files.stat(directory)!.id, files.stat(directory)!.id);
  });
});

for (const [code, isSupported] of [["EIO", true], ["EINVAL", false], ["ENOSYS", false]] as const) {
  test(`a directory whose sync answers ${code} is ${isSupported ? "an error" : "left alone"}`, () => {
    const stubs = {
      fsync: (_: number, done: (error: unknown) => void) => setTimeout(() => done(error(code)), 0),
      fsyncSync: () => {
        throw error(code);
      },
    };
    return withStubs(fs, stubs, async (directory) => {
      if (isSupported) {
        await assert.rejects(files.syncDirectory(directory), failsWith(code));
        assert.throws(() => files.syncDirectoryNow(directory), failsWith(code));
      } else {
        await files.syncDirectory(directory);
        files.syncDirectoryNow(directory);
      }
    });
  });
}

test("a process that cannot be signaled is alive, a nonexistent one is dead", async () => {
  const unusedPid = 2 ** 31 - 1;
  for (const [code, alive] of [["EPERM", true], ["ESRCH", false]] as const) {
    const kill = () => {
      throw error(code);
    };
    await withStubs(
      process,
      { kill },
      () => assert.equal(facts.findProcess(unusedPid) !== null, alive, code),
    );
  }
});

test("the event loop runs between the chunks of a listing that takes long", async () => {
  async function* listed(): AsyncGenerator<string> {
    for (let n = 0; n < 20_000; n++) yield `${n}`;
  }
  let turns = 0;
  const turn = (): void => {
    turns++;
    if (count < 20_000) setImmediate(turn);
  };
  let count = 0;
  setImmediate(turn);
  for await (const chunk of inChunks(listed, (name) => ({ name, kind: "file" }))) {
    count += chunk.length;
    for (const until = performance.now() + 6; performance.now() < until;);
  }
  assert.equal(count, 20_000);
  assert.ok(turns >= 19, `${turns} turns`);
});
