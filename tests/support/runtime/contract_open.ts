/**
 * The contract of open files: appending, reading, syncing.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type Contract, failsWith } from "./contract_fixture.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

/** Files open for appending. */
export function appending(contract: Contract): void {
  contract("appended text is read back through the same file", ({ runtime, directory }) => {
    const file = runtime.files.openAppend(`${directory}/log`);
    assert.deepEqual(file.write("one\n"), { written: 4, length: 4 });
    assert.deepEqual(file.write("two\n"), { written: 4, length: 4 });
    const into = new Uint8Array(5);
    assert.equal(file.read(2, into), 5);
    assert.deepEqual(into, utf8("e\ntwo"));
    assert.equal(file.size(), 8);
    file.close();
    assert.equal(runtime.files.readText(`${directory}/log`), "one\ntwo\n");
  });

  contract("a read does not move the place of the next append", ({ runtime, directory }) => {
    const file = runtime.files.openAppend(`${directory}/log`);
    file.write("abc");
    file.read(0, new Uint8Array(1));
    file.write("def");
    file.close();
    assert.equal(runtime.files.readText(`${directory}/log`), "abcdef");
  });

  contract("opening an existing file keeps its content and appends", ({ runtime, directory }) => {
    const path = `${directory}/log`;
    runtime.files.createExclusive(path, "old ");
    const file = runtime.files.openAppend(path);
    file.write("new");
    file.close();
    assert.equal(runtime.files.readText(path), "old new");
  });

  contract("two writers on one file both append at its end", ({ runtime, directory }) => {
    const first = runtime.files.openAppend(`${directory}/log`);
    const second = runtime.files.openAppend(`${directory}/log`);
    first.write("a1 ");
    second.write("b1 ");
    first.write("a2");
    first.close();
    second.close();
    assert.equal(runtime.files.readText(`${directory}/log`), "a1 b1 a2");
  });

  for (
    const [what, text] of [
      ["ASCII", "plain"],
      ["Latin-1", "né à ÿ"],
      ["three-byte characters", "日本語"],
      ["astral characters", "🙂𝒳"],
      ["a lone high surrogate", "a\ud83dz"],
      ["a lone low surrogate", "a\ude42z"],
      ["a high surrogate at the end", "end\ud83d"],
      ["surrogates in the wrong order", "\ude42\ud83d"],
      ["a NUL", "a\0b"],
      ["nothing", ""],
      ["text of the size of the reused buffer", "日".repeat(21_845)],
      ["text just over the reused buffer", "日".repeat(21_846)],
    ]
  ) {
    contract(`write counts and stores the UTF-8 bytes of ${what}`, ({ runtime, directory }) => {
      const expected = utf8(text);
      const file = runtime.files.openAppend(`${directory}/log`);
      const joined = text.slice(0, 1) + text.slice(1);
      assert.deepEqual(file.write(joined), { written: expected.length, length: expected.length });
      const into = new Uint8Array(expected.length + 1);
      assert.equal(file.read(0, into), expected.length);
      assert.deepEqual(into.subarray(0, expected.length), expected);
      file.close();
    });
  }

  contract("a 30 MB text is written with one call", ({ runtime, directory }) => {
    const file = runtime.files.openAppend(`${directory}/log`);
    const text = "0123456789".repeat(3_000_000);
    assert.deepEqual(file.write(text), { written: 30_000_000, length: 30_000_000 });
    assert.equal(file.size(), 30_000_000);
    file.close();
  });

  contract("writeBytes appends exactly the bytes of a view", ({ runtime, directory }) => {
    const file = runtime.files.openAppend(`${directory}/log`);
    assert.equal(file.writeBytes(utf8("0123456789").subarray(3, 6)), 3);
    file.close();
    assert.equal(runtime.files.readText(`${directory}/log`), "345");
  });

  contract("an open file is cut, and appends go on behind the cut", ({ runtime, directory }) => {
    const file = runtime.files.openAppend(`${directory}/log`);
    file.write("good\nbad fragment");
    file.truncate(5);
    assert.equal(file.size(), 5);
    file.write("next\n");
    file.close();
    assert.equal(runtime.files.readText(`${directory}/log`), "good\nnext\n");
  });

  contract("closing twice is harmless, and a closed file refuses", ({ runtime, directory }) => {
    const file = runtime.files.openAppend(`${directory}/log`);
    file.close();
    file.close();
    assert.throws(() => file.write("late"), failsWith("EBADF"));
    assert.throws(() => file.size(), failsWith("EBADF"));
    assert.throws(() => file.truncate(0), failsWith("EBADF"));
    assert.throws(() => file.dataSyncNow(), failsWith("EBADF"));
  });

  contract("openAppend refuses a symbolic link", ({ runtime, directory, symlink }) => {
    runtime.files.createExclusive(`${directory}/real`, "kept");
    symlink(`${directory}/real`, `${directory}/link`);
    assert.throws(() => runtime.files.openAppend(`${directory}/link`), failsWith("ELOOP"));
    assert.equal(runtime.files.readText(`${directory}/real`), "kept");
  });

  contract(
    "openAppend makes nothing through a dangling link",
    ({ runtime, directory, symlink }) => {
      symlink(`${directory}/nowhere`, `${directory}/link`);
      assert.throws(() => runtime.files.openAppend(`${directory}/link`), failsWith("ELOOP"));
      assert.equal(runtime.files.stat(`${directory}/nowhere`), null);
    },
  );

  contract("openAppend names what is in its way", ({ runtime, directory }) => {
    runtime.files.createExclusive(`${directory}/file`, "");
    const open = (path: string) => () => runtime.files.openAppend(`${directory}/${path}`);
    assert.throws(open("missing/log"), failsWith("ENOENT"));
    assert.throws(open("file/log"), failsWith("ENOTDIR"));
    assert.throws(() => runtime.files.openAppend(directory), failsWith("EISDIR"));
  });
}

/** Reading at offsets and as a whole. */
export function reading(contract: Contract): void {
  contract("openRead reads at offsets, also at the same time", async ({ runtime, directory }) => {
    runtime.files.createExclusive(`${directory}/log`, "0123456789");
    const file = runtime.files.openRead(`${directory}/log`);
    const read = async (offset: number, length: number) => {
      const into = new Uint8Array(length);
      const count = await file.read(offset, into);
      return new TextDecoder().decode(into.subarray(0, count));
    };
    const all = await Promise.all([read(0, 3), read(7, 9), read(4, 2), read(10, 4), read(99, 4)]);
    assert.deepEqual(all, ["012", "789", "45", "", ""]);
    assert.equal(file.size(), 10);
    file.close();
    file.close();
    await assert.rejects(file.read(0, new Uint8Array(1)), failsWith("EBADF"));
  });

  contract("reading past the end gives nothing", ({ runtime, directory }) => {
    const file = runtime.files.openAppend(`${directory}/log`);
    file.write("abc");
    assert.equal(file.read(3, new Uint8Array(4)), 0);
    assert.equal(file.read(2 ** 33, new Uint8Array(4)), 0);
    file.close();
  });

  contract("readNow reads as read does, at once", ({ runtime, directory }) => {
    runtime.files.createExclusive(`${directory}/log`, "abcde");
    const file = runtime.files.openRead(`${directory}/log`);
    const into = new Uint8Array(4);
    assert.equal(file.readNow(1, into), 4);
    assert.deepEqual(into, utf8("bcde"));
    assert.equal(file.readNow(3, into), 2);
    assert.equal(file.readNow(5, into), 0);
    file.close();
    assert.throws(() => file.readNow(0, into), { code: "EBADF" });
  });

  contract("byteAt gives one byte at once", ({ runtime, directory }) => {
    runtime.files.createExclusive(`${directory}/log`, "ab\n");
    const file = runtime.files.openRead(`${directory}/log`);
    assert.equal(file.byteAt(2), 10);
    assert.equal(file.byteAt(3), undefined);
    file.close();
  });

  contract("a reader sees what is appended after it opened", async ({ runtime, directory }) => {
    const writer = runtime.files.openAppend(`${directory}/log`);
    const reader = runtime.files.openRead(`${directory}/log`);
    assert.equal(reader.size(), 0);
    writer.write("later");
    const into = new Uint8Array(8);
    assert.equal(await reader.read(0, into), 5);
    assert.equal(reader.size(), 5);
    reader.close();
    writer.close();
  });

  contract("an open file outlives its name", async ({ runtime, directory }) => {
    const path = `${directory}/log`;
    const writer = runtime.files.openAppend(path);
    writer.write("before ");
    const reader = runtime.files.openRead(path);
    runtime.files.remove(path);
    writer.write("after");
    const into = new Uint8Array(20);
    assert.equal(await reader.read(0, into), 12);
    assert.equal(writer.size(), 12);
    assert.equal(runtime.files.stat(path), null);
    writer.close();
    reader.close();
  });

  contract("a file closed under a running read still answers it", async (fixture) => {
    const { runtime, directory } = fixture;
    runtime.files.createExclusive(`${directory}/log`, "abc");
    const file = runtime.files.openRead(`${directory}/log`);
    const reading = file.read(0, new Uint8Array(3));
    file.close();
    assert.equal(await reading, 3);
  });

  contract("openRead and readText name what is missing", ({ runtime, directory }) => {
    assert.throws(() => runtime.files.openRead(`${directory}/none`), failsWith("ENOENT"));
    assert.throws(() => runtime.files.readText(`${directory}/none`), failsWith("ENOENT"));
  });

  contract("readText keeps a byte order mark and marks bad UTF-8", ({ runtime, directory }) => {
    const file = runtime.files.openAppend(`${directory}/text`);
    file.writeBytes(new Uint8Array([0xef, 0xbb, 0xbf, 0x61, 0xff, 0x62]));
    file.close();
    assert.equal(runtime.files.readText(`${directory}/text`), "\ufeffa\ufffdb");
  });
}

/** Forcing data and names to stable storage. */
export function syncing(contract: Contract): void {
  contract("appends go on while a data sync runs", async ({ runtime, directory }) => {
    const file = runtime.files.openAppend(`${directory}/log`);
    let expected = "";
    for (let round = 0; round < 20; round++) {
      const syncs = [file.dataSync(), file.dataSync()];
      for (let index = 0; index < 20; index++) {
        const line = `${round} ${index}\n`;
        assert.equal(file.write(line).written, line.length);
        expected += line;
      }
      await Promise.all(syncs);
    }
    file.dataSyncNow();
    file.close();
    assert.equal(runtime.files.readText(`${directory}/log`), expected);
  });

  contract("a file closed under a running data sync still answers it", async (fixture) => {
    const { runtime, directory } = fixture;
    const file = runtime.files.openAppend(`${directory}/log`);
    file.write("text");
    const syncing = file.dataSync();
    file.close();
    await syncing;
    await assert.rejects(file.dataSync(), failsWith("EBADF"));
  });

  contract("directories are synced, missing ones named", async ({ runtime, directory }) => {
    runtime.files.createExclusive(`${directory}/file`, "");
    await runtime.files.syncDirectory(directory);
    runtime.files.syncDirectoryNow(directory);
    await assert.rejects(runtime.files.syncDirectory(`${directory}/none`), failsWith("ENOENT"));
    assert.throws(() => runtime.files.syncDirectoryNow(`${directory}/none`), failsWith("ENOENT"));
  });
}
