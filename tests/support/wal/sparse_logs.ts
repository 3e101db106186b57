/**
 * Large logs that take little disk space: only the beginning of each segment is written.
 *
 * @module
 */

import { closeSync, ftruncateSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "@std/path";
import type { FileSystem, ReadFile } from "../../../src/runtime/file_system.ts";
import type { Runtime } from "../../../src/runtime/runtime.ts";
import { formatStem } from "../../../src/wal/segment/segment_name.ts";
import { passOn } from "../count_operations.ts";

/** Size of a segment. */
export const SEGMENT_BYTES: number = 64 * 1024 * 1024;

const NEWLINE = new Uint8Array([10]);

/**
 * Writes this many segments of {@linkcode SEGMENT_BYTES}, as closed by a program of the
 * Python SDK.
 */
export function writeSparseLog(directory: string, segments: number, project: string): void {
  mkdirSync(directory, { recursive: true });
  const begun = BigInt(Date.now()) * 1_000_000n;
  for (let n = 0; n < segments; n++) {
    const { stem } = formatStem(begun + BigInt(n), n.toString(16).padStart(32, "0"));
    const file = openSync(join(directory, `${stem}.jsonl`), "w");
    // The first one suffices for the sender's read-ahead.
    writeSync(file, linesOf(project, n === 0 ? 16_000 : 20));
    ftruncateSync(file, SEGMENT_BYTES);
    writeSync(file, NEWLINE, 0, 1, SEGMENT_BYTES - 1);
    closeSync(file);
  }
}

function linesOf(project: string, count: number): string {
  const end = { project_id: project, id: "0190a1b2", output: "x".repeat(900), summary: {} };
  const request = { end: { ...end, ended_at: new Date().toISOString() } };
  return `${JSON.stringify({ type: "call_end", req: request })}\n`.repeat(count);
}

/** `runtime`, and the number of bytes read from files since. */
export function withReadBytes(runtime: Runtime): { runtime: Runtime; read: () => number } {
  let bytes = 0;
  const { name, process, clock } = runtime;
  const files: FileSystem = passOn(runtime.files, (method, _, call) => {
    const result = call();
    if (method !== "openRead") return result;
    return passOn(result as ReadFile, (of, args, callFile) => {
      if (of === "read" || of === "readNow") bytes += (args[1] as Uint8Array).length;
      return callFile();
    });
  });
  return { runtime: { name, process, clock, files }, read: () => bytes };
}
