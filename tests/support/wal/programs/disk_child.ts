/**
 * A program that traces on a real disk that fails for a while, and reports what happened.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { hostFetch } from "../../../../src/client/server/host_fetch.ts";
import { openPipeline } from "../../../../src/client/pipeline/create_pipeline.ts";
import type { WalEvent } from "../../../../src/client/pipeline/status/events.ts";
import type { WalStats } from "../../../../src/client/pipeline/pipeline.ts";
import { detectRuntime } from "../../../../src/runtime/detect.ts";
import type { Runtime } from "../../../../src/runtime/runtime.ts";
import { DISK_RETRY_MS } from "../../../../src/wal/log/failover_log.ts";
import { pipelineOptions, start } from "../../delivery/delivery_fixture.ts";

/** Task of the child; its only argument, as JSON. */
export interface DiskPlan {
  readonly trouble: "full" | "read-only" | "open files" | "file size";
  readonly directory: string;
  readonly serverUrl: string;
  readonly sender: boolean;
}

/** Its report at the end. */
export interface DiskResult {
  /** Error code of the program's own operation on the failing disk. */
  readonly code: string;
  readonly events: WalEvent[];
  readonly before: WalStats;
  readonly during: WalStats;
  readonly after: WalStats;
  /** IDs of all calls with an appended record. */
  readonly ids: string[];
}

const { trouble, directory, serverUrl, sender } = JSON.parse(process.argv[2]) as DiskPlan;
const run = (command: string, ...args: string[]) => void execFileSync(command, args);
const code = (work: () => unknown): string => {
  try {
    work();
    return "none";
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return code ?? message;
  }
};

const taken: number[] = [];

/** Opens all remaining descriptors, and returns the error code for one more. */
function takeDescriptors(): string {
  return code(() => {
    for (;;) taken.push(openSync("/dev/null", "r"));
  });
}

/** Makes the disk fail; returns the resulting error code, and a function that repairs the disk. */
function breakDisk(): [code: string, repair: () => void] {
  const project = join(directory, "wal", "team", "project");
  switch (trouble) {
    case "full": {
      const filler = join(directory, "filler");
      const file = openSync(filler, "a");
      const full = code(() => {
        for (;;) writeSync(file, new Uint8Array(4_096));
      });
      closeSync(file);
      return [full, () => rmSync(filler)];
    }
    case "read-only":
      run("mount", "--bind", project, project);
      run("mount", "-o", "remount,bind,ro", project);
      return [
        code(() => openSync(join(project, "file"), "a")),
        () => run("umount", "-l", project),
      ];
    case "open files":
      return [takeDescriptors(), () => taken.forEach((file) => closeSync(file))];
    case "file size": {
      run("prlimit", `--pid=${process.pid}`, "--fsize=4096:");
      const large = join(directory, "large");
      const full = code(() => {
        const file = openSync(large, "a");
        try {
          for (;;) writeSync(file, new Uint8Array(4_096));
        } finally {
          closeSync(file);
        }
      });
      return [full, () => run("prlimit", `--pid=${process.pid}`, "--fsize=unlimited:")];
    }
  }
}

if (trouble === "full") {
  mkdirSync(directory, { recursive: true });
  run("mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", directory);
}
const host = detectRuntime();
let passed = 0;
let isAway = true;
const runtime: Runtime = {
  name: host.name,
  files: host.files,
  process: host.process,
  clock: { ...host.clock, monotonic: () => host.clock.monotonic() + passed },
};
const events: WalEvent[] = [];
const pipeline = openPipeline(pipelineOptions(join(directory, "wal"), serverUrl, {
  runtime,
  sender,
  requireDisk: false,
  // If a drained file cannot be removed, the next attempt follows after a delay that is
  // too long here.
  fetch: (url, init) => isAway ? Promise.reject(new TypeError("Away")) : hostFetch(url, init),
  // Read-only directories and exhausted descriptors take effect when a file is created.
  segmentBytes: trouble === "open files" || trouble === "read-only" ? 2_000 : 1e9,
  onEvent: (event) => void events.push(event),
}));
const ids: string[] = [];

async function trace(stage: string): Promise<WalStats> {
  for (let n = 0; n < 60; n++) {
    const id = `${stage}${n}`;
    pipeline.append("call_start", start(id, { text: "x".repeat(100) }));
    ids.push(id);
  }
  return await pipeline.stats();
}

const before = await trace("before");

const [failing, repair] = breakDisk();
let during = await trace("during");
// A descriptor closed by another thread of the runtime may have become available to the
// log.
for (let round = 1; trouble === "open files" && during.log === "file" && round < 20; round++) {
  takeDescriptors();
  during = await trace(`during-${round}-`);
}
repair();
isAway = false;
passed += DISK_RETRY_MS;
const after = await trace("after");
const result: DiskResult = { code: failing, events, before, during, after, ids };
const { done } = await pipeline.finish();
console.log(`result ${JSON.stringify({ ...result, done })}`);
if (!sender) {
  // The file system exists only as long as this process: deliver everything before the
  // end.
  const next = openPipeline(pipelineOptions(join(directory, "wal"), serverUrl));
  const { deadLettered } = await next.finish();
  if (deadLettered > 0) throw new Error(`Parts of records were left: ${deadLettered}`);
}
process.exit(0);
