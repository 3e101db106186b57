import assert from "node:assert/strict";
import * as fs from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import process from "node:process";
import { test } from "../harness.ts";
import { detectRuntime } from "../../src/runtime/detect.ts";
import { failsWith } from "../support/runtime/contract_fixture.ts";

const skip = process.platform === "win32" && "needs POSIX files";
const refused = failsWith("ERR_NOT_REGULAR_FILE");

function refusesAll(path: string): void {
  const { files } = detectRuntime();
  assert.throws(() => files.openRead(path), refused, path);
  assert.throws(() => files.openAppend(path), refused, path);
  assert.throws(() => files.readText(path), refused, path);
  assert.throws(() => files.readText(path, { followLinks: true }), refused, path);
}

test("devices are refused, including endless ones and links to them", () => {
  const directory = fs.mkdtempSync(`${tmpdir()}/weave-wal-special-`);
  try {
    for (const device of ["/dev/null", "/dev/zero", "/dev/urandom", "/dev/full"]) {
      if (!fs.existsSync(device)) continue;
      refusesAll(device);
      const link = `${directory}/${device.replaceAll("/", "-")}`;
      fs.symlinkSync(device, link);
      assert.throws(() => detectRuntime().files.readText(link), failsWith("ELOOP"));
      assert.throws(() => detectRuntime().files.readText(link, { followLinks: true }), refused);
    }
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}, { skip });

test("a socket is rejected, with and without a listener", async () => {
  const directory = fs.mkdtempSync(`${tmpdir()}/weave-wal-special-`);
  const path = `${directory}/socket`;
  const server = createServer();
  await new Promise<void>((done) => server.listen(path, done));
  try {
    assert.equal(detectRuntime().files.stat(path)!.kind, "other");
    refusesAll(path);
    // A server removes its socket by the old name when it closes.
    fs.renameSync(path, `${path}.left`);
    await new Promise((done) => server.close(done));
    if (fs.existsSync(`${path}.left`)) refusesAll(`${path}.left`);
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}, { skip });
