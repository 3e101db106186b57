import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "@std/path";
import { resolveSettings, type Settings } from "../../../src/client/settings/settings.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import type { Runtime } from "../../../src/runtime/runtime.ts";
import { test } from "../../harness.ts";

interface Place extends Disposable {
  /** The parent of both directories. */
  readonly top: string;
  /** A path in the working directory, or in the home directory. */
  readonly project: (name: string) => string;
  readonly home: (name: string) => string;
  readonly resolve: () => Settings;
}

/** This host with an empty working directory and an empty home. */
function place(env: Record<string, string> = { WANDB_API_KEY: "key" }): Place {
  const top = mkdtempSync(join(tmpdir(), "weave-wal-files-"));
  const [cwd, home] = [join(top, "project"), join(top, "home")];
  mkdirSync(cwd);
  mkdirSync(join(home, ".config", "wandb"), { recursive: true });
  const host = detectRuntime();
  const process = Object.create(host.process, {
    cwd: { value: () => cwd },
    home: { value: () => home },
    env: { value: (name: string) => env[name] },
  }) as Runtime["process"];
  return {
    top,
    project: (name) => join(cwd, name),
    home: (name) => join(home, name),
    resolve: () => resolveSettings({ ...host, process }),
    [Symbol.dispose]: () => rmSync(top, { recursive: true }),
  };
}

const SETTINGS = '{ "lingerMs": 7 }';

test("settings: weave.jsonc is read where it is a regular file", () => {
  using here = place();
  assert.equal(here.resolve().lingerMs, 200);
  writeFileSync(here.project("weave.jsonc"), SETTINGS);
  assert.equal(here.resolve().lingerMs, 7);
});

test("settings: anything but a regular file at weave.jsonc is refused without blocking", async () => {
  const cases: [(path: string) => void, RegExp][] = [
    [(path) => execFileSync("mkfifo", [path]), /it is not a regular file$/],
    [(path) => mkdirSync(path), /it is a directory$/],
    [(path) => symlinkSync("/dev/zero", path), /it is a symbolic link$/],
    [(path) => symlinkSync("elsewhere", path), /it is a symbolic link$/],
    [(path) => {
      writeFileSync(path, SETTINGS);
      truncateSync(path, 2 ** 40);
    }, /it is larger than 1 MiB$/],
  ];
  for (const [make, why] of cases) {
    using here = place();
    const path = here.project("weave.jsonc");
    writeFileSync(here.project("elsewhere"), SETTINGS);
    make(path);
    assert.throws(here.resolve, { code: "ERR_INVALID_OPTION", message: why });
    assert.throws(here.resolve, (error: Error) => error.message.includes(path));
  }
  using here = place();
  const socket = createServer();
  await new Promise<void>((resolve) => socket.listen(here.project("weave.jsonc"), resolve));
  try {
    assert.throws(here.resolve, { code: "ERR_INVALID_OPTION", message: /not a regular file$/ });
  } finally {
    await new Promise((resolve) => socket.close(resolve));
  }
});

test("settings: files in the home directory may be links, and never block", () => {
  using linked = place({});
  writeFileSync(linked.home("dotfiles"), "machine api.wandb.ai password linked");
  symlinkSync("dotfiles", linked.home(".netrc"));
  assert.equal(linked.resolve().apiKey, "linked");
  for (const name of [".netrc", ".config/wandb/settings"]) {
    using here = place();
    execFileSync("mkfifo", [here.home(name)]);
    assert.equal(here.resolve().apiKey, "key");
  }
  using blocked = place({});
  execFileSync("mkfifo", [blocked.home(".netrc")]);
  assert.throws(blocked.resolve, { code: "ERR_MISSING_API_KEY" });
});

test("settings: ~ in walDir is the home directory, wherever the setting comes from", () => {
  const named = (env: Record<string, string>, file?: string): string => {
    using here = place({ WANDB_API_KEY: "key", ...env });
    if (file !== undefined) writeFileSync(here.project("weave.jsonc"), file);
    return here.resolve().walDir.replace(here.top, "").replace(/\/$/, "");
  };
  assert.equal(named({ WEAVE_WAL_DIR: "~/x/wal" }), "/home/x/wal");
  assert.equal(named({ WEAVE_WAL_DIR: "~/" }), "/home");
  assert.equal(named({ WEAVE_WAL_DIR: "~" }), "/home");
  assert.equal(named({}, '{ "walDir": "~/x" }'), "/home/x");
  assert.equal(named({ WEAVE_WAL_DIR: "./~/x" }), "/project/~/x");
  assert.equal(named({ WEAVE_WAL_DIR: "x~" }), "/project/x~");
  for (const walDir of ["~ada/x", "~ada", "~+"]) {
    assert.throws(() => named({ WEAVE_WAL_DIR: walDir }), {
      code: "ERR_INVALID_OPTION",
      message: `Cannot use WEAVE_WAL_DIR: "${walDir}" is not a path: ~/ is expanded, the home of ` +
        "another user is not",
    });
  }
});
