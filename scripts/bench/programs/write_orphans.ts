/**
 * Writes the files of processes killed after a few calls: for each a presence file, a
 * lock and a segment of six records; or files of one dead letter each. Prints one line of JSON.
 *
 * Usage: `write_orphans.ts <directory> <server URL> <processes> [dead-letters]`
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { presencePath } from "../../../src/wal/processes/presence_state.ts";
import { ownIdentity } from "../../../src/wal/processes/process_identity.ts";
import { formatStem, writerToken } from "../../../src/wal/segment/segment_name.ts";
import { projectDirectory } from "../../../src/wal/segment/project_directory.ts";
import { idOf, startRequest } from "../workloads/records.ts";

const [root, serverUrl, processes, kind = "segments"] = process.argv.slice(2);
const directory = projectDirectory(root, "bench", "bench");
const projectId = "bench/bench";
/** The same in every process: the source file of an op, and its object. */
const shared = [
  record("file_create", { project_id: projectId, name: "obj.py", content: "x".repeat(300) }),
  record("obj_create", { obj: { project_id: projectId, object_id: "op", val: { a: "x" } } }),
].join("");
/** Larger than any process ID. */
const DEAD_PID = 2 ** 30;

function deadLetter(): string {
  const at = new Date().toISOString();
  const error = { reason: "refused", status: 422, message: "no", at, server: serverUrl };
  return `${JSON.stringify({ type: "obj_create", req: {}, error })}\n`;
}

function record(type: string, req: unknown): string {
  return `${JSON.stringify({ type, req })}\n`;
}

mkdirSync(directory, { recursive: true });
mkdirSync(dirname(presencePath(root, "")), { recursive: true });
const identity = { ...ownIdentity(detectRuntime().process), pid: DEAD_PID };
const now = BigInt(Date.now()) * 1_000_000n;
for (let i = 0; i < Number(processes); i++) {
  const token = writerToken(crypto.randomUUID().replaceAll("-", ""), serverUrl);
  const { stem } = formatStem(now + BigInt(i), token);
  if (kind === "dead-letters") {
    writeFileSync(join(directory, `${stem}.deadletter`), deadLetter());
    continue;
  }
  let text = shared;
  for (const call of [2 * i, 2 * i + 1]) {
    const start = startRequest(idOf(call)) as { start: { trace_id: string } };
    const end = {
      project_id: projectId,
      id: idOf(call),
      trace_id: start.start.trace_id,
      started_at: "2026-01-01T00:00:00.000000Z",
      ended_at: "2026-01-01T00:00:01.000000Z",
      output: 42,
      summary: {},
    };
    text += record("call_start", start) + record("call_end", { end });
  }
  writeFileSync(join(directory, `${stem}.jsonl`), text);
  writeFileSync(join(directory, `${stem}.lock`), String(DEAD_PID));
  const presence = { token, ...identity, server: serverUrl, sender: true, ended: false };
  writeFileSync(presencePath(root, token), JSON.stringify(presence));
}
// What dead processes left has long been on disk. Without this, the file system writes these files
// while the program that follows is measured, and its first writes wait for that.
if (process.platform !== "win32") spawnSync("sync");
console.log(JSON.stringify({ processes: Number(processes) }));
