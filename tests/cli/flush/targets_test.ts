import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "@std/path";
import { FlushTargets } from "../../../src/cli/flush/targets.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import type { FileSystem } from "../../../src/runtime/file_system.ts";
import type { Runtime } from "../../../src/runtime/runtime.ts";
import { temporary } from "../../support/cli/cli_support.ts";
import { openLog, writeCalls } from "../../support/cli/written_logs.ts";
import { test } from "../../harness.ts";

const NAME = "acme/chat";
const SERVER = "http://127.0.0.1:9";

/** This host, counting the calls of each file system method. */
function counted(): { runtime: Runtime; calls: Map<string, number> } {
  const runtime = detectRuntime();
  const calls = new Map<string, number>();
  const files = Object.fromEntries(
    Object.entries(runtime.files).map(([name, method]) => [name, (...args: unknown[]) => {
      calls.set(name, (calls.get(name) ?? 0) + 1);
      return method(...args);
    }]),
  ) as unknown as FileSystem;
  return { runtime: { ...runtime, files }, calls };
}

function take(runtime: Runtime, root: string): Promise<FlushTargets> {
  return FlushTargets.take({ runtime, root, filter: {}, server: SERVER, token: "f".repeat(32) });
}

test("a flush lists a directory once per check, however many orphaned segments it has", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME, { server: SERVER, segmentBytes: 300 });
  writeCalls(log, NAME, 100);
  await log.finish();
  const { runtime, calls } = counted();
  const targets = await take(runtime, place.wal);
  const directory = join(place.wal, NAME);
  const files = readdirSync(directory).filter((name) => name.endsWith(".jsonl"));
  assert.ok(files.length >= 100);
  calls.clear();
  assert.deepEqual(await targets.look(), { files: files.length, bytes: targets.total });
  assert.deepEqual([...calls], [["scan", 1]]);
  for (const name of files.slice(0, 60)) rmSync(join(directory, name));
  assert.equal((await targets.look()).files, files.length - 60);
  for (const name of files) rmSync(join(directory, name), { force: true });
  assert.deepEqual(await targets.look(), { files: 0, bytes: 0 });
});

test("a flush does not wait for bytes truncated from a file that is being written", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME, { server: SERVER });
  writeCalls(log, NAME, 3);
  const targets = await take(detectRuntime(), place.wal);
  const directory = join(place.wal, NAME);
  const name = readdirSync(directory).find((file) => file.endsWith(".jsonl"))!;
  const file = join(directory, name);
  const end = readFileSync(file).indexOf(10) + 1;
  truncateSync(file, end);
  writeFileSync(file.replace(".jsonl", ".checkpoint"), `${end}`);
  assert.deepEqual(await targets.look(), { files: 0, bytes: 0 });
  await log.finish();
});
