import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { test } from "../harness.ts";
import { detectRuntime } from "../../src/runtime/detect.ts";

const DESCRIPTORS = "/proc/self/fd";
const skip = !fs.existsSync(DESCRIPTORS) && "needs /proc";

/** Number of open descriptors of this process for `path`. */
function descriptorsOf(path: string): number {
  return fs.readdirSync(DESCRIPTORS).filter((name) => {
    try {
      return fs.readlinkSync(`${DESCRIPTORS}/${name}`) === path;
    } catch {
      return false; // The descriptor of the listing itself.
    }
  }).length;
}

async function withFile(body: (path: string) => void | Promise<void>): Promise<void> {
  const directory = fs.realpathSync(fs.mkdtempSync(`${tmpdir()}/weave-wal-descriptors-`));
  try {
    fs.writeFileSync(`${directory}/log`, "text");
    await body(`${directory}/log`);
    assert.equal(descriptorsOf(`${directory}/log`), 0, "nothing is left open");
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

test(
  "a descriptor is not closed under a running sync, which could hit another file",
  () =>
    withFile(async (path) => {
      const file = detectRuntime().files.openAppend(path);
      const syncs = [file.dataSync(), file.dataSync()];
      file.close();
      // Deno uses a duplicate descriptor.
      assert.ok(descriptorsOf(path) >= 1);
      await syncs[0];
      await syncs[1];
      assert.equal(descriptorsOf(path), 0);
      file.close();
    }),
  { skip },
);

test(
  "a descriptor is not closed under a running read, which could hit another file",
  () =>
    withFile(async (path) => {
      const file = detectRuntime().files.openRead(path);
      const reads = [file.read(0, new Uint8Array(4)), file.read(2, new Uint8Array(4))];
      file.close();
      // Deno uses a duplicate descriptor.
      assert.ok(descriptorsOf(path) >= 1);
      assert.deepEqual(await Promise.all(reads), [4, 2]);
      assert.equal(descriptorsOf(path), 0);
      file.close();
    }),
  { skip },
);

test(
  "nothing stays open of what is refused, read whole, replaced or removed",
  () =>
    withFile(async (path) => {
      const { files } = detectRuntime();
      assert.equal(files.readText(path), "text");
      assert.throws(() => files.readText(path, { maxBytes: 3 }), { code: "EFBIG" });
      assert.throws(() => files.openRead(`${path}/..`), { code: /^(EISDIR|ENOTDIR)$/ });
      const directory = path.slice(0, -"/log".length);
      assert.throws(() => files.openRead(directory), { code: "EISDIR" });
      assert.throws(() => files.readText(directory), { code: "EISDIR" });
      await files.syncDirectory(directory);
      files.syncDirectoryNow(directory);
      for await (const _ of files.scan(directory)) break;
      assert.equal(descriptorsOf(directory), 0);
      files.replace(path, "other");
      files.createExclusive(`${path}.new`, "text");
      assert.equal(descriptorsOf(`${path}.new`), 0);
      await files.removeInBackground([path]);
    }),
  { skip },
);

test(
  "a file system without fsync is reported as ENOTSUP, other errors keep their codes",
  async () => {
    // Procfs files accept writes and do not support syncs: EINVAL.
    const file = detectRuntime().files.openAppend("/proc/self/comm");
    assert.throws(() => file.dataSyncNow(), { code: "ENOTSUP" });
    await assert.rejects(file.dataSync(), { code: "ENOTSUP" });
    file.close();
    assert.throws(() => file.dataSyncNow(), { code: "EBADF" });
  },
  { skip },
);
