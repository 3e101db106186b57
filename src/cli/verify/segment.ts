/**
 * Verifies the data of one segment, record by record, and its checkpoint.
 *
 * @module
 */

import { basename } from "@std/path";
import { hasCode } from "../../errors.ts";
import {
  inspectSegment,
  type ProcessCache,
  type SegmentFiles,
} from "../../wal/ownership/segment_status.ts";
import { readOwner } from "../../wal/ownership/owner_file.ts";
import { isValidRecord } from "../../wal/record/record.ts";
import type { DeadLetter } from "../../wal/segment/segment.ts";
import { type Context, throwIfStopped } from "../context.ts";
import { deadLetterOffsets } from "../dead_letters/files.ts";
import type { Finding, Findings } from "./findings.ts";
import { formatBytes, plural } from "../terminal/format.ts";
import { type LogBatch, type LogLine, readLog } from "../logs/log_lines.ts";
import { MAX_RECORD_BYTES } from "../logs/read_limits.ts";
import { type RepairResult, SegmentRepair } from "./repair.ts";
import type { ProjectPath } from "../logs/projects.ts";

/** Options for a verification. */
export interface VerifyJob {
  readonly context: Context;
  readonly findings: Findings;
  readonly repair: boolean;
  /** Token of this process in its leases, 32 hex digits. */
  readonly token: string;
  /** Caches processes, for many segments. */
  readonly processes: ProcessCache;
  /** Called with the number of bytes read. */
  readonly onBytes: (bytes: number) => void;
}

const MESSAGES = {
  torn: "Last record is truncated",
  corrupt: "Line is not a valid record",
  oversize: "Line is longer than the server accepts",
} as const;

/** Verifies a segment's data and checkpoint. */
export async function verifySegment(
  job: VerifyJob,
  stem: SegmentFiles & ProjectPath,
): Promise<void> {
  const { context: { runtime, stop }, findings, onBytes } = job;
  const { entity, project } = stem;
  const state = inspectSegment(runtime, stem, job.processes);
  if (state === null) return;
  const file = basename(stem.paths.data);
  const repair = job.repair ? new SegmentRepair(runtime, stem, job.token) : null;
  const add = (finding: Omit<Finding, "entity" | "project">, result?: RepairResult): void =>
    findings.add({ entity, project, ...finding, ...result });
  findings.files++;
  try {
    const { invalidReason } = state.checkpoint;
    if (invalidReason !== undefined) {
      const name = basename(stem.paths.checkpoint);
      const message = `The checkpoint is not trusted: ${invalidReason}`;
      add({ kind: "checkpoint", file: name, message }, repair?.moveSidecar(name));
    }
    if (stem.suffixes.has(".owner") && readOwner(runtime.files, stem.paths.owner) === "corrupt") {
      const message =
        "The owner file cannot be read: the log is sent when it has not changed for a while";
      add({ kind: "owner", file: basename(stem.paths.owner), message });
    }
    const deadLettered = await deadLetterOffsets(runtime.files, stem);
    let at = 0;
    for await (const batch of readLog(runtime, state, { deadLettered })) {
      throwIfStopped(stop);
      repair?.heartbeat();
      const deadLetters = corruptLinesOf(batch);
      findings.records += batch.lines.length - deadLetters.length;
      const result = deadLetters.length > 0 ? await repair?.deadLetter(deadLetters) : undefined;
      for (const { reason, offset, length } of deadLetters) {
        const message = `${MESSAGES[reason as keyof typeof MESSAGES]} (${formatBytes(length)})`;
        add({ kind: reason as keyof typeof MESSAGES, file, offset, length, message }, result);
      }
      findings.bytes += batch.to - at;
      onBytes(batch.to - at);
      at = batch.to;
    }
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error; // Delivered meanwhile.
  } finally {
    repair?.end();
  }
}

/**
 * Returns the lines of a batch that cannot be sent, including those that only look like records.
 */
function corruptLinesOf({ bytes, lines }: LogBatch): DeadLetter[] {
  return lines.map((line) => corruptLineOf(bytes, line)).filter((deadLetter) =>
    deadLetter !== null
  );
}

function corruptLineOf(bytes: Uint8Array, line: LogLine): DeadLetter | null {
  if ("corrupt" in line) return line.corrupt;
  const { lineStart, lineEnd } = line.record;
  const { offset, length } = line;
  // The reader checks its limit between two reads, so a line may slightly exceed it.
  if (length > MAX_RECORD_BYTES) return { reason: "oversize", offset, length };
  if (isValidRecord(bytes, lineStart, lineEnd)) return null;
  return { reason: "corrupt", offset, length, line: bytes.slice(lineStart, lineEnd) };
}

/** Formats the result: `3 problems`, `1 problem, repaired`. */
export function verdictText({ total, repaired }: Findings): string {
  if (total === 0) return "nothing is wrong";
  const problems = plural(total, "problem");
  return repaired === 0
    ? problems
    : repaired === total
    ? `${problems}, repaired`
    : `${problems}, ${repaired} repaired`;
}
