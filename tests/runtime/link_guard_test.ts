import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { test } from "../harness.ts";
import { detectRuntime } from "../../src/runtime/detect.ts";
import { guardLinks } from "../../src/runtime/link_guard.ts";
import type { FileSystem } from "../../src/runtime/file_system.ts";
import { failsWith } from "../support/runtime/contract_fixture.ts";
import { countOperations } from "../support/count_operations.ts";
import { MemoryRuntime } from "../support/simulated_runtime/memory.ts";

/** All operations that open, list, create, change or remove something at a path, by name. */
function attempts(files: FileSystem, path: string): Record<string, () => unknown> {
  return {
    openAppend: () => files.openAppend(path).close(),
    openRead: () => files.openRead(path).close(),
    readText: () => files.readText(path),
    createExclusive: () => files.createExclusive(`${path}.new`, "text"),
    replace: () => files.replace(path, "text"),
    renameFrom: () => files.rename(path, `${path}.moved`),
    remove: () => files.remove(path),
    discard: () => files.discard(path),
    removeInBackground: () => files.removeInBackground([path]),
    removeDirectory: () => files.removeDirectory(`${path}.d`),
    list: () => files.list(`${path}.d`),
    scan: () => files.scan(`${path}.d`)[Symbol.asyncIterator]().next(),
    makeDirectory: () => files.makeDirectory(`${path}/a/b`),
    syncDirectory: () => files.syncDirectory(`${path}.d`),
    syncDirectoryNow: () => files.syncDirectoryNow(`${path}.d`),
  };
}

async function refusesAll(files: FileSystem, path: string): Promise<void> {
  for (const [name, attempt] of Object.entries(attempts(files, path))) {
    await assert.rejects(async () => await attempt(), failsWith("ELOOP"), `${name} of ${path}`);
  }
}

function check(name: string, setUp: () => Promise<Place>): void {
  test(`${name}: no component of a path below the root may be a link`, async () => {
    const { files, root, outside, symlink, dispose } = await setUp();
    for (const directory of ["outside/deep", "outside/deep/file.d"]) {
      files.makeDirectory(`${outside}/../${directory}`);
    }
    files.createExclusive(`${outside}/deep/file`, "precious");
    files.makeDirectory(`${root}/entity/project`);
    symlink(outside, `${root}/linked`);
    symlink(outside, `${root}/entity/linked`);
    symlink(`${outside}/deep`, `${root}/entity/project/.senders`);
    const guarded = guardLinks({ files, clock: detectRuntime().clock }, root);
    for (const path of ["linked/deep", "entity/linked/deep", "entity/project/.senders"]) {
      await refusesAll(guarded, `${root}/${path}/file`);
      assert.throws(() => guarded.list(`${root}/${path}`), failsWith("ELOOP"));
    }
    await assert.rejects(
      guarded.removeInBackground([`${root}/none`, `${root}/linked/deep/file`]),
      failsWith("ELOOP"),
    );
    assert.throws(
      () => guarded.rename(`${outside}/deep/file`, `${root}/linked/file`),
      failsWith("ELOOP"),
    );
    assert.equal(files.readText(`${outside}/deep/file`), "precious");
    assert.deepEqual(files.list(`${outside}/deep`).map(({ name }) => name).sort(), [
      "file",
      "file.d",
    ]);
    dispose();
  });

  test(`${name}: a root that is a link, and files outside the root, may be used`, async () => {
    const { files, root, outside, symlink, dispose } = await setUp();
    const link = `${outside}/../root link`;
    symlink(root, link);
    const guarded = guardLinks({ files, clock: detectRuntime().clock }, link);
    guarded.makeDirectory(`${link}/entity/project`);
    guarded.createExclusive(`${link}/entity/project/log`, "text");
    assert.equal(files.readText(`${root}/entity/project/log`), "text");
    assert.deepEqual(guarded.list(link), [{ name: "entity", kind: "directory" }]);
    await guarded.removeInBackground([`${link}/entity/project/log`]);
    guarded.removeDirectory(`${link}/entity/project`);
    guarded.createExclusive(`${outside}/other`, "");
    guarded.remove(`${outside}/other`);
    // A link at the end of a path is removed itself.
    symlink(outside, `${root}/entity/linked`);
    guarded.remove(`${link}/entity/linked`);
    assert.ok(files.exists(outside));
    dispose();
  });
}

interface Place {
  readonly files: FileSystem;
  readonly root: string;
  /** A directory outside of the root. */
  readonly outside: string;
  symlink(target: string, path: string): void;
  dispose(): void;
}

check("memory", () => {
  const { files, disk } = new MemoryRuntime();
  files.makeDirectory("/base/root");
  files.makeDirectory("/base/outside");
  const symlink = (target: string, path: string) => disk.symlink(target, path);
  const place = { files, root: "/base/root", outside: "/base/outside", symlink };
  return Promise.resolve({ ...place, dispose: () => {} });
});

check("host", () => {
  const base = fs.mkdtempSync(`${tmpdir()}/weave-wal-links-`);
  const { files } = detectRuntime();
  files.makeDirectory(`${base}/root`);
  files.makeDirectory(`${base}/outside`);
  const symlink = (target: string, path: string) => fs.symlinkSync(target, path);
  const place = { files, root: `${base}/root`, outside: `${base}/outside`, symlink };
  return Promise.resolve({ ...place, dispose: () => fs.rmSync(base, { recursive: true }) });
});

test("a directory is checked once a second, and a new link is then detected", () => {
  const { files: inner, disk, clock, time } = new MemoryRuntime();
  inner.makeDirectory("/root/a/b");
  inner.makeDirectory("/outside/b");
  const files = countOperations(inner);
  const guarded = guardLinks({ files, clock }, "/root");
  for (let index = 0; index < 100; index++) guarded.createExclusive(`/root/a/b/${index}`, "");
  assert.equal(files.counts.stat, 2);
  inner.rename("/root/a", "/root/old");
  disk.symlink("/outside", "/root/a");
  time.advance(1_000);
  assert.throws(() => guarded.createExclusive("/root/a/b/more", ""), failsWith("ELOOP"));
  assert.deepEqual(inner.list("/outside/b"), []);
});

test("roots at the top level and relative roots are guarded as well", () => {
  for (const root of ["/", ".", "relative", "./relative/"]) {
    const { files, disk, clock } = new MemoryRuntime();
    files.makeDirectory("/relative/a");
    disk.symlink("/relative", "/relative/link");
    const guarded = guardLinks({ files, clock }, root);
    const below = root === "/" ? "/relative" : "relative";
    guarded.createExclusive(`${below}/a/file`, "");
    assert.throws(() => guarded.list(`${below}/link`), failsWith("ELOOP"), root);
    assert.throws(() => guarded.remove(`${below}/link/a/file`), failsWith("ELOOP"), root);
  }
});
