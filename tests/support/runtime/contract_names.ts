/**
 * The contract of names: creating, moving, removing, listing, permissions.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type Contract, type ContractFixture, failsWith } from "./contract_fixture.ts";

const names = ({ runtime, directory }: ContractFixture) =>
  runtime.files.list(directory).map((entry) => entry.name).sort();

/** Creating, moving and removing names. */
export function naming(contract: Contract): void {
  contract("createExclusive refuses what exists", ({ runtime, directory, symlink }) => {
    const path = `${directory}/lock`;
    runtime.files.createExclusive(path, "123");
    assert.throws(() => runtime.files.createExclusive(path, "456"), failsWith("EEXIST"));
    assert.equal(runtime.files.readText(path), "123");
    symlink(`${directory}/nowhere`, `${directory}/link`);
    assert.throws(
      () => runtime.files.createExclusive(`${directory}/link`, ""),
      failsWith("EEXIST"),
    );
  });

  contract("replace makes a file, and puts another in its place", async (fixture) => {
    const { runtime, directory } = fixture;
    const path = `${directory}/checkpoint`;
    runtime.files.replace(path, "100");
    const before = runtime.files.stat(path)!;
    const reader = runtime.files.openRead(path);
    runtime.files.replace(path, "20000");
    // Another file under the same name: readers cannot see a mixture.
    assert.notEqual(runtime.files.stat(path)!.id, before.id);
    const into = new Uint8Array(9);
    assert.equal(await reader.read(0, into), 3);
    reader.close();
    assert.equal(runtime.files.readText(path), "20000");
    assert.deepEqual(names(fixture), ["checkpoint"]);
  });

  contract("overwrite puts other bytes into the same file, shorter ones padded", (fixture) => {
    const { runtime, directory } = fixture;
    const path = `${directory}/presence`;
    assert.throws(() => runtime.files.overwrite(path, "100"), failsWith("ENOENT"));
    runtime.files.createExclusive(path, "20000");
    const before = runtime.files.stat(path)!;
    runtime.files.overwrite(path, "100");
    assert.equal(runtime.files.readText(path), "100  ");
    runtime.files.overwrite(path, "3000000");
    assert.equal(runtime.files.readText(path), "3000000");
    assert.equal(runtime.files.stat(path)!.id, before.id);
    assert.deepEqual(names(fixture), ["presence"]);
  });

  contract("a failed replace leaves no temporary file", (fixture) => {
    const { runtime, directory } = fixture;
    runtime.files.makeDirectory(`${directory}/taken`);
    assert.throws(() => runtime.files.replace(`${directory}/taken`, "text"), failsWith("EISDIR"));
    assert.deepEqual(names(fixture), ["taken"]);
  });

  contract("rename moves a name over another", (fixture) => {
    const { runtime, directory } = fixture;
    runtime.files.createExclusive(`${directory}/from`, "new");
    runtime.files.createExclusive(`${directory}/to`, "old");
    const { id } = runtime.files.stat(`${directory}/from`)!;
    runtime.files.rename(`${directory}/from`, `${directory}/to`);
    assert.deepEqual(names(fixture), ["to"]);
    assert.equal(runtime.files.readText(`${directory}/to`), "new");
    assert.equal(runtime.files.stat(`${directory}/to`)!.id, id);
  });

  contract("rename moves the name and not the open file", ({ runtime, directory }) => {
    runtime.files.makeDirectory(`${directory}/aside`);
    const file = runtime.files.openAppend(`${directory}/log`);
    runtime.files.rename(`${directory}/log`, `${directory}/aside/log`);
    file.write("still here");
    file.close();
    assert.equal(runtime.files.readText(`${directory}/aside/log`), "still here");
  });

  contract("rename and remove name what is missing", ({ runtime, directory }) => {
    assert.throws(
      () => runtime.files.rename(`${directory}/none`, `${directory}/to`),
      failsWith("ENOENT"),
    );
    assert.throws(() => runtime.files.remove(`${directory}/none`), failsWith("ENOENT"));
    assert.throws(() => runtime.files.removeDirectory(`${directory}/none`), failsWith("ENOENT"));
  });

  contract("remove takes files and links, not directories", (fixture) => {
    const { runtime, directory, symlink } = fixture;
    runtime.files.makeDirectory(`${directory}/kept`);
    runtime.files.createExclusive(`${directory}/file`, "");
    symlink(`${directory}/kept`, `${directory}/link`);
    runtime.files.remove(`${directory}/file`);
    runtime.files.remove(`${directory}/link`);
    assert.throws(() => runtime.files.remove(`${directory}/kept`), failsWith("EISDIR"));
    assert.deepEqual(names(fixture), ["kept"]);
  });

  contract("discard removes as remove does", (fixture) => {
    const { runtime, directory, symlink } = fixture;
    runtime.files.makeDirectory(`${directory}/kept`);
    runtime.files.createExclusive(`${directory}/file`, "data");
    symlink(`${directory}/kept`, `${directory}/link`);
    runtime.files.discard(`${directory}/file`);
    runtime.files.discard(`${directory}/link`);
    assert.throws(() => runtime.files.discard(`${directory}/kept`), failsWith("EISDIR"));
    assert.throws(() => runtime.files.discard(`${directory}/file`), failsWith("ENOENT"));
    assert.deepEqual(names(fixture), ["kept"]);
  });

  contract("removeDirectory takes an empty directory only", (fixture) => {
    const { runtime, directory } = fixture;
    runtime.files.makeDirectory(`${directory}/full/empty`);
    assert.throws(() => runtime.files.removeDirectory(`${directory}/full`), failsWith("ENOTEMPTY"));
    runtime.files.removeDirectory(`${directory}/full/empty`);
    runtime.files.removeDirectory(`${directory}/full`);
    assert.deepEqual(names(fixture), []);
  });

  contract("makeDirectory makes parents and leaves existing ones", ({ runtime, directory }) => {
    runtime.files.makeDirectory(`${directory}/a/b`);
    runtime.files.makeDirectory(`${directory}/a/b/c`);
    runtime.files.makeDirectory(`${directory}/a/b`);
    assert.equal(runtime.files.stat(`${directory}/a/b/c`)!.kind, "directory");
    runtime.files.createExclusive(`${directory}/file`, "");
    assert.throws(() => runtime.files.makeDirectory(`${directory}/file`), failsWith("EEXIST"));
    assert.throws(() => runtime.files.makeDirectory(`${directory}/file/x`), failsWith("ENOTDIR"));
  });
}

/** Listing directories and querying paths. */
export function listing(contract: Contract): void {
  contract("list gives names with their kinds", ({ runtime, directory, symlink }) => {
    runtime.files.createExclusive(`${directory}/file é`, "");
    runtime.files.makeDirectory(`${directory}/directory/inner`);
    symlink(`${directory}/directory`, `${directory}/link`);
    const found = runtime.files.list(directory).sort((a, b) => a.name < b.name ? -1 : 1);
    assert.deepEqual(found, [
      { name: "directory", kind: "directory" },
      { name: "file é", kind: "file" },
      { name: "link", kind: "symlink" },
    ]);
    assert.deepEqual(runtime.files.list(`${directory}/directory/inner`), []);
    assert.throws(() => runtime.files.list(`${directory}/none`), failsWith("ENOENT"));
    assert.throws(() => runtime.files.list(`${directory}/file é`), failsWith("ENOTDIR"));
  });

  contract("stat tells kind and size, and null for nothing", (fixture) => {
    const { runtime, directory, symlink } = fixture;
    const stat = (name: string) => runtime.files.stat(`${directory}/${name}`);
    runtime.files.createExclusive(`${directory}/file`, "1234");
    runtime.files.makeDirectory(`${directory}/directory`);
    symlink(`${directory}/file`, `${directory}/link`);
    assert.equal(stat("file")!.kind, "file");
    assert.equal(stat("file")!.size, 4);
    assert.equal(stat("directory")!.kind, "directory");
    assert.equal(stat("link")!.kind, "symlink");
    assert.equal(stat("none"), null);
    assert.equal(stat("none/deeper"), null);
  });

  contract("stat tells owner and mode, and follows a link on demand", (fixture) => {
    const { runtime: { files, process }, directory, symlink } = fixture;
    files.createExclusive(`${directory}/file`, "1234");
    symlink(`${directory}/file`, `${directory}/link`);
    symlink(`${directory}/none`, `${directory}/dangling`);
    const file = files.stat(`${directory}/file`)!;
    assert.equal(file.mode, 0o600);
    assert.equal(file.owner, process.user);
    assert.equal(files.stat(directory)!.mode! & 0o7000, 0);
    assert.deepEqual(files.stat(`${directory}/link`, { followLinks: true }), file);
    assert.equal(files.stat(`${directory}/dangling`, { followLinks: true }), null);
  }, "POSIX files");

  contract("stat tells one file from another", ({ runtime, directory }) => {
    runtime.files.createExclusive(`${directory}/a`, "");
    runtime.files.createExclusive(`${directory}/b`, "");
    const { id } = runtime.files.stat(`${directory}/a`)!;
    assert.notEqual(runtime.files.stat(`${directory}/b`)!.id, id);
    assert.equal(runtime.files.stat(`${directory}/a`)!.id, id);
  });

  contract("stat's time of change is on the wall clock", ({ runtime, directory }) => {
    // File systems may use a coarser clock that lags by some ms.
    const before = runtime.clock.now() - 1_000;
    runtime.files.createExclusive(`${directory}/file`, "x");
    const { modified } = runtime.files.stat(`${directory}/file`)!;
    assert.ok(modified >= before && modified <= runtime.clock.now() + 1_000, `${modified}`);
  });
}

/** Permission bits of created files. */
export function permissions(contract: Contract): void {
  contract("files are made 0600 and each new directory 0700", (fixture) => {
    const { runtime, directory, mode } = fixture;
    const restore = fixture.loosenUmask();
    try {
      runtime.files.makeDirectory(`${directory}/a/b/c`);
      runtime.files.openAppend(`${directory}/append`).close();
      runtime.files.createExclusive(`${directory}/exclusive`, "");
      runtime.files.replace(`${directory}/replaced`, "");
    } finally {
      restore();
    }
    for (const name of ["a", "a/b", "a/b/c"]) assert.equal(mode(`${directory}/${name}`), 0o700);
    for (const name of ["append", "exclusive", "replaced"]) {
      assert.equal(mode(`${directory}/${name}`), 0o600, name);
    }
  }, "POSIX files");
}
