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
} from "../../wal/orphans/segment_status.ts";
import { SettledLines } from "../../wal/segment/delivered_lines.ts";
import { readOwner } from "../../wal/processes/owner_file.ts";
import { throwIfStopped } from "../context.ts";
import { deadLetterOffsets } from "../dead_letters/files.ts";
import { corruptLinesOf, lineFinding } from "./corrupt_lines.ts";
import type { Finding } from "./findings.ts";
import type { VerifyJob } from "./log_verifier.ts";
import { readLog } from "../logs/log_lines.ts";
import { type RepairResult, SegmentRepair } from "./repair.ts";
import type { ProjectPath } from "../logs/projects.ts";

/**
 * Verifies a segment's data and checkpoint.
 *
 * @param processes Caches processes, for many segments.
 */
export async function verifySegment(
  job: VerifyJob,
  stem: SegmentFiles & ProjectPath,
  processes: ProcessCache,
): Promise<void> {
  const { context: { runtime, stop }, findings, onBytes } = job;
  const { entity, project } = stem;
  const state = inspectSegment(runtime, stem, processes);
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
      const message = `The checkpoint is invalid: ${invalidReason}`;
      add({ kind: "checkpoint", file: name, message }, repair?.moveSidecar(name));
    }
    if (stem.suffixes.has(".owner") && readOwner(runtime.files, stem.paths.owner) === "corrupt") {
      const message =
        "The owner file cannot be read: the log is sent when it has not changed for a while";
      add({ kind: "owner", file: basename(stem.paths.owner), message });
    }
    const settledLines = new SettledLines(await deadLetterOffsets(runtime.files, stem));
    let at = 0;
    for await (const batch of readLog(runtime, state, { settledLines })) {
      throwIfStopped(stop);
      repair?.heartbeat();
      const deadLetters = corruptLinesOf(batch);
      findings.records += batch.lines.length - deadLetters.length;
      const result = deadLetters.length > 0 ? await repair?.deadLetter(deadLetters) : undefined;
      for (const line of deadLetters) add({ ...lineFinding(line), file }, result);
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
