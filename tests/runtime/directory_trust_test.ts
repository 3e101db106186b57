import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { test } from "../harness.ts";
import { detectRuntime } from "../../src/runtime/detect.ts";
import { distrustReason } from "../../src/runtime/directory_trust.ts";
import { MemoryRuntime } from "../support/simulated_runtime/memory.ts";
import { MEMORY_USER } from "../support/simulated_runtime/memory_names.ts";

test("a directory is invalidReason when others own it or may write to it", () => {
  const runtime = new MemoryRuntime();
  runtime.files.makeDirectory("/root");
  runtime.disk.symlink("/root", "/link");
  for (
    const [owner, mode, expected] of [
      [MEMORY_USER, 0o700, null],
      [MEMORY_USER, 0o775, null],
      [0, 0o755, null],
      [MEMORY_USER, 0o1777, null],
      [0, 0o1777, null],
      [MEMORY_USER, 0o777, /every user may write to it \(mode 0777\)/],
      [0, 0o702, /every user may write to it \(mode 0702\)/],
      [1001, 0o700, /it belongs to user 1001, and this process runs as user 1000/],
      [1001, 0o1777, /it belongs to user 1001/],
    ] as const
  ) {
    runtime.disk.own("/root", { owner, mode });
    for (const path of ["/root", "/link"]) {
      const reason = distrustReason(runtime, path);
      if (expected === null) assert.equal(reason, null, `${owner} ${mode.toString(8)}`);
      else assert.match(reason ?? "", expected);
    }
  }
  assert.equal(distrustReason(runtime, "/none"), null);
});

test("if the user or the mode is unknown, only known facts count", () => {
  const { files, process, disk } = new MemoryRuntime();
  files.makeDirectory("/root");
  disk.own("/root", { owner: 1001, mode: 0o700 });
  const unknown = { ...process, user: null };
  assert.equal(distrustReason({ files, process: unknown }, "/root"), null);
  disk.own("/root", { mode: 0o777 });
  assert.match(distrustReason({ files, process: unknown }, "/root")!, /every user/);
  const noModes = Object.assign(Object.create(files), {
    stat: () => ({ ...files.stat("/root"), mode: null, owner: null }),
  });
  assert.equal(distrustReason({ files: noModes, process }, "/root"), null);
});

test("real directories are checked by owner and mode", () => {
  const runtime = detectRuntime();
  const directory = fs.mkdtempSync(`${tmpdir()}/weave-wal-trust-`);
  try {
    assert.equal(distrustReason(runtime, directory), null);
    fs.chmodSync(directory, 0o777);
    assert.match(distrustReason(runtime, directory)!, /mode 0777/);
    fs.chmodSync(directory, 0o1777);
    assert.equal(distrustReason(runtime, directory), null);
    fs.chmodSync(directory, 0o700);
    if (runtime.process.user === 0) {
      fs.chownSync(directory, 12345, 12345);
      assert.match(distrustReason(runtime, directory)!, /user 12345, and .* as user 0$/);
    }
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}, { skip: detectRuntime().process.user === null && "needs owners of files" });
