import assert from "node:assert/strict";
import { linkSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { detectRuntime } from "../../src/runtime/detect.ts";
import { test } from "../harness.ts";

const { files, clock } = detectRuntime();

/** Runs `work` in its own folder. */
async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "weave-wal-discard-"));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Gives background work time to complete. */
const aWhile = (): Promise<void> => new Promise((resolve) => clock.after(100, resolve));

test("discard: a file's other names, as in a backup of links, keep its content", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "log");
    writeFileSync(path, "data");
    linkSync(path, join(folder, "backup"));
    files.discard(path);
    await aWhile();
    assert.equal(files.stat(path), null);
    assert.equal(readFileSync(join(folder, "backup"), "utf8"), "data");
  });
});

test("discard: removes a link but not its target", async () => {
  await inFolder(async (folder) => {
    writeFileSync(join(folder, "target"), "data");
    symlinkSync(join(folder, "target"), join(folder, "link"));
    files.discard(join(folder, "link"));
    await aWhile();
    assert.equal(files.stat(join(folder, "link")), null);
    assert.equal(readFileSync(join(folder, "target"), "utf8"), "data");
  });
});

test("discard: a new file with the same name is a different file", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "log");
    writeFileSync(path, "old");
    files.discard(path);
    files.createExclusive(path, "new");
    await aWhile();
    assert.equal(readFileSync(path, "utf8"), "new");
  });
});

test("discard: an open file remains usable, as needed by a writer that resumes", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "log");
    const writer = files.openAppend(path);
    writer.write("before ");
    files.discard(path);
    await aWhile();
    writer.write("after");
    const into = new Uint8Array(20);
    assert.equal(writer.read(0, into), 12);
    assert.equal(new TextDecoder().decode(into.subarray(0, 12)), "before after");
    writer.close();
  });
});
