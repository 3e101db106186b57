import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import type { WalEvent } from "../../../src/client/pipeline/status/events.ts";
import type { PipelineOptions } from "../../../src/client/pipeline/pipeline.ts";
import { test } from "../../harness.ts";
import { pipelineOptions, start } from "../../support/delivery/delivery_fixture.ts";

const noModes = process.platform === "win32" && "Windows has no permission bits";

/** Runs `body` with an empty directory on the host. */
async function withDirectory(body: (directory: string) => Promise<void> | void): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "weave-wal-directory-"));
  try {
    await body(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Writes one record without a sender, and returns the events. */
async function write(walDir: string, changes: Partial<PipelineOptions> = {}) {
  const events: WalEvent[] = [];
  const pipeline = openPipeline(pipelineOptions(walDir, "http://127.0.0.1:1", {
    sender: false,
    requireDisk: false,
    onEvent: (event) => void events.push(event),
    ...changes,
  }));
  pipeline.append("call_start", start("a"));
  const { log } = await pipeline.stats();
  await pipeline.finish();
  return { events, log };
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

test("directory: the log's files are accessible only to their owner", async () => {
  await withDirectory(async (directory) => {
    const umask = process.umask(0);
    try {
      await write(join(directory, ".weave", "wal"));
    } finally {
      process.umask(umask);
    }
    const wal = join(directory, ".weave", "wal");
    for (const path of ["..", ".", "team", "team/project", ".processes"]) {
      assert.equal(modeOf(join(wal, path)), "700", path);
    }
    for (const path of ["team/project", ".processes"]) {
      const names = readdirSync(join(wal, path));
      assert.equal(names.length, 1, path);
      for (const name of names) assert.equal(modeOf(join(wal, path, name)), "600", name);
    }
  });
}, { skip: noModes });

test("directory: an existing directory keeps its mode", async () => {
  await withDirectory(async (directory) => {
    mkdirSync(join(directory, ".weave"));
    chmodSync(join(directory, ".weave"), 0o755);
    await write(join(directory, ".weave", "wal"));
    assert.equal(modeOf(join(directory, ".weave")), "755");
  });
}, { skip: noModes });

test("directory: .weave is ignored by Git, other directories are left unchanged", async () => {
  await withDirectory(async (directory) => {
    await write(join(directory, ".weave", "wal"));
    assert.equal(readFileSync(join(directory, ".weave", ".gitignore"), "utf8"), "*\n");
    await write(join(directory, "mine", "logs"));
    assert.equal(readFileSync(join(directory, "mine", "logs", ".gitignore"), "utf8"), "*\n");
    assert.equal(existsSync(join(directory, "mine", ".gitignore")), false);
  });
});

test("directory: an existing .gitignore is left unchanged", async () => {
  await withDirectory(async (directory) => {
    mkdirSync(join(directory, ".weave"));
    writeFileSync(join(directory, ".weave", ".gitignore"), "wal\n");
    await write(join(directory, ".weave", "wal"));
    assert.equal(readFileSync(join(directory, ".weave", ".gitignore"), "utf8"), "wal\n");
  });
});

test("directory: no file contains the key", async () => {
  await withDirectory(async (directory) => {
    await write(join(directory, "wal"), { apiKey: "s3cret-key" });
    const files = readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile());
    assert.ok(files.length > 0);
    const secrets = ["s3cret-key", btoa("api:s3cret-key")];
    for (const { parentPath, name } of files) {
      const text = readFileSync(join(parentPath, name), "utf8");
      for (const secret of secrets) assert.ok(!text.includes(secret), name);
    }
  });
});

for (const part of ["team", "team/project"]) {
  test(`directory: a link at the path of ${part} is not followed; the program continues in memory`, async () => {
    await withDirectory(async (directory) => {
      const [walDir, target] = [join(directory, "wal"), join(directory, "elsewhere")];
      mkdirSync(join(walDir, part, ".."), { recursive: true });
      mkdirSync(target);
      symlinkSync(target, join(walDir, part));
      const { events, log } = await write(walDir);
      assert.equal(log, "memory");
      assert.equal(events.filter(({ name }) => name === "disk-failed").length, 1);
      assert.match(events.find(({ name }) => name === "disk-failed")!.message, /link/);
      assert.deepEqual(readdirSync(target), [], "nothing was written through the link");
    });
  });
}

test("directory: a file at the path of a directory is not used; the program continues in memory", async () => {
  await withDirectory(async (directory) => {
    const walDir = join(directory, "wal");
    writeFileSync(walDir, "a file");
    const { events, log } = await write(walDir);
    assert.equal(log, "memory");
    assert.equal(events.filter(({ name }) => name === "disk-failed").length, 1);
    assert.equal(readFileSync(walDir, "utf8"), "a file");
  });
});

test("directory: an explicitly set directory that cannot be used is an error", async () => {
  await withDirectory((directory) => {
    const walDir = join(directory, "wal");
    writeFileSync(walDir, "a file");
    assert.throws(
      () => openPipeline(pipelineOptions(walDir, "http://127.0.0.1:1", { requireDisk: true })),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, "ERR_LOG_UNWRITABLE");
        assert.ok(error.message.includes(JSON.stringify(walDir)), error.message);
        return true;
      },
    );
  });
});

test("directory: a root that is the user's own link is used", async () => {
  await withDirectory(async (directory) => {
    const [walDir, target] = [join(directory, "wal"), join(directory, "big-disk")];
    mkdirSync(target);
    symlinkSync(target, walDir);
    const { log } = await write(walDir);
    assert.equal(log, "file");
    assert.ok(readdirSync(join(target, "team", "project")).length > 0);
  });
});
