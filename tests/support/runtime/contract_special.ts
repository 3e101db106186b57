/**
 * The contract of special files, sizes, scans and background removals.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type Contract, type ContractFixture, failsWith } from "./contract_fixture.ts";

const names = ({ runtime, directory }: ContractFixture) =>
  runtime.files.list(directory).map((entry) => entry.name).sort();

/** Special files. */
export function specialFiles(contract: Contract): void {
  contract("a FIFO is refused without waiting, and never written", (fixture) => {
    const { runtime: { files }, directory, fifo } = fixture;
    const path = `${directory}/fifo`;
    fifo(path);
    const refused = failsWith("ERR_NOT_REGULAR_FILE");
    assert.throws(() => files.openRead(path), refused);
    assert.throws(() => files.openAppend(path), refused);
    assert.throws(() => files.readText(path), refused);
    assert.throws(() => files.readText(path, { followLinks: true }), refused);
    assert.throws(() => files.createExclusive(path, "text"), failsWith("EEXIST"));
    assert.throws(() => files.list(path), failsWith("ENOTDIR"));
    assert.throws(() => files.syncDirectoryNow(path), failsWith("ENOTDIR"));
    assert.equal(files.stat(path)!.kind, "other");
    assert.deepEqual(files.list(directory), [{ name: "fifo", kind: "other" }]);
    files.remove(path);
    assert.deepEqual(names(fixture), []);
  }, "POSIX files");

  contract("a FIFO can be replaced, renamed and removed", async (fixture) => {
    const { runtime: { files }, directory, fifo } = fixture;
    for (const name of ["a", "b", "c", "d"]) fifo(`${directory}/${name}`);
    files.replace(`${directory}/a`, "text");
    files.rename(`${directory}/b`, `${directory}/moved`);
    files.discard(`${directory}/c`);
    await files.removeInBackground([`${directory}/d`]);
    assert.deepEqual(names(fixture), ["a", "moved"]);
    assert.equal(files.readText(`${directory}/a`), "text");
  }, "POSIX files");

  contract("a symbolic link is not opened, whatever it leads to", (fixture) => {
    const { runtime: { files }, directory, symlink, fifo } = fixture;
    files.createExclusive(`${directory}/file`, "text");
    files.makeDirectory(`${directory}/directory`);
    fifo(`${directory}/fifo`);
    for (const target of ["file", "directory", "fifo", "nothing"]) {
      const link = `${directory}/to ${target}`;
      symlink(`${directory}/${target}`, link);
      assert.throws(() => files.openRead(link), failsWith("ELOOP"), target);
      assert.throws(() => files.openAppend(link), failsWith("ELOOP"), target);
      assert.throws(() => files.readText(link), failsWith("ELOOP"), target);
    }
    assert.equal(files.stat(`${directory}/nothing`), null);
  }, "POSIX files");

  contract("readText follows a link on demand, to regular files only", (fixture) => {
    const { runtime: { files }, directory, symlink, fifo } = fixture;
    const followLinks = true;
    files.createExclusive(`${directory}/file`, "text");
    files.makeDirectory(`${directory}/directory`);
    fifo(`${directory}/fifo`);
    for (const target of ["file", "directory", "fifo", "nothing", "loop"]) {
      symlink(
        `${directory}/${target === "loop" ? "to loop" : target}`,
        `${directory}/to ${target}`,
      );
    }
    const read = (name: string) => files.readText(`${directory}/${name}`, { followLinks });
    assert.equal(read("to file"), "text");
    assert.equal(read("file"), "text");
    assert.throws(() => read("to directory"), failsWith("EISDIR"));
    assert.throws(() => read("to fifo"), failsWith("ERR_NOT_REGULAR_FILE"));
    assert.throws(() => read("to nothing"), failsWith("ENOENT"));
    assert.throws(() => read("to loop"), failsWith("ELOOP"));
  }, "POSIX files");

  contract("a directory is not opened as a file", ({ runtime: { files }, directory }) => {
    assert.throws(() => files.openRead(directory), failsWith("EISDIR"));
    assert.throws(() => files.openAppend(directory), failsWith("EISDIR"));
    assert.throws(() => files.readText(directory), failsWith("EISDIR"));
  });

  contract("readText refuses a file over the limit", ({ runtime: { files }, directory }) => {
    const path = `${directory}/file`;
    files.createExclusive(path, "12345");
    assert.equal(files.readText(path, { maxBytes: 5 }), "12345");
    assert.throws(() => files.readText(path, { maxBytes: 4 }), failsWith("EFBIG"));
    const file = files.openAppend(path);
    file.truncate(1024 * 1024);
    assert.equal(files.readText(path).length, 1024 * 1024);
    file.truncate(1024 * 1024 + 1);
    file.close();
    assert.throws(() => files.readText(path), failsWith("EFBIG"));
    assert.equal(files.readText(path, { maxBytes: Infinity }).length, 1024 * 1024 + 1);
  });
}

/** Scans of directories. */
export function scanning(contract: Contract): void {
  contract("scan gives what list gives", async ({ runtime: { files }, directory, ...fixture }) => {
    assert.deepEqual(await scanned(files.scan(directory)), []);
    files.makeDirectory(`${directory}/directory é`);
    fixture.symlink(`${directory}/directory é`, `${directory}/link`);
    fixture.fifo(`${directory}/fifo`);
    for (let index = 0; index < 2100; index++) files.createExclusive(`${directory}/${index}`, "");
    const listed = files.list(directory);
    assert.equal(listed.length, 2103);
    const byName = (a: { name: string }, b: { name: string }) => a.name < b.name ? -1 : 1;
    const found = (await scanned(files.scan(directory))).flat();
    assert.deepEqual(found.sort(byName), listed.sort(byName));
  }, "POSIX files");

  contract("a scan that is left early ends, and can be begun again", async (fixture) => {
    const { runtime: { files }, directory } = fixture;
    for (let index = 0; index < 1100; index++) files.createExclusive(`${directory}/${index}`, "");
    for (let round = 0; round < 3; round++) {
      let chunks = 0;
      for await (const _ of files.scan(directory)) if (++chunks === 1) break;
      assert.equal(chunks, 1);
    }
    const unread = files.scan(directory)[Symbol.asyncIterator]();
    await unread.return?.();
    assert.equal((await unread.next()).done, true);
  });

  contract("scan names what is missing or no directory", async ({ runtime, directory }) => {
    runtime.files.createExclusive(`${directory}/file`, "");
    await assert.rejects(scanned(runtime.files.scan(`${directory}/none`)), failsWith("ENOENT"));
    await assert.rejects(scanned(runtime.files.scan(`${directory}/file`)), failsWith("ENOTDIR"));
  });
}

async function scanned<Entry>(scan: AsyncIterable<readonly Entry[]>): Promise<Entry[][]> {
  const chunks: Entry[][] = [];
  for await (const chunk of scan) chunks.push([...chunk]);
  return chunks;
}

/** Background removals. */
export function removing(contract: Contract): void {
  contract("removeInBackground removes files and links, not their targets", async (fixture) => {
    const { runtime: { files }, directory, symlink } = fixture;
    const all = ["a", "b", "c", "d", "e"].map((name) => `${directory}/${name}`);
    for (const path of all) files.createExclusive(path, "data");
    files.makeDirectory(`${directory}/kept`);
    symlink(`${directory}/kept`, `${directory}/link`);
    await files.removeInBackground([]);
    await files.removeInBackground([...all, `${directory}/link`]);
    assert.deepEqual(names(fixture), ["kept"]);
  });

  contract("removeInBackground counts missing files as removed", async (fixture) => {
    const { runtime: { files }, directory } = fixture;
    files.createExclusive(`${directory}/a`, "");
    const twice = [`${directory}/none`, `${directory}/a`, `${directory}/none/deeper`];
    await files.removeInBackground(twice);
    await files.removeInBackground(twice);
    assert.deepEqual(names(fixture), []);
  });

  contract("removeInBackground goes on after one it cannot remove", async (fixture) => {
    const { runtime: { files }, directory } = fixture;
    const at = (name: string) => `${directory}/${name}`;
    for (const name of ["a", "b", "c", "d"]) files.createExclusive(at(name), "");
    files.makeDirectory(at("first"));
    files.makeDirectory(at("second"));
    const removal = files.removeInBackground(["a", "first", "b", "second", "c", "d"].map(at));
    await assert.rejects(removal, failsWith("EISDIR"));
    assert.deepEqual(names(fixture), ["first", "second"]);
  });

  contract("a file removed in the background stays readable where it is open", async (fixture) => {
    const { runtime: { files }, directory } = fixture;
    files.createExclusive(`${directory}/log`, "data");
    const reader = files.openRead(`${directory}/log`);
    await files.removeInBackground([`${directory}/log`]);
    assert.equal(await reader.read(0, new Uint8Array(9)), 4);
    reader.close();
  });
}
