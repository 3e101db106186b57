/**
 * Verifies the files beside the data: orphans, temporary files, dead letters, unknown files.
 *
 * @module
 */

import { basename, join } from "@std/path";
import { hasCode } from "../../errors.ts";
import type { FileSystem } from "../../runtime/file_system.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { currentLease } from "../../wal/leases/lease.ts";
import { isTornEntry, readDeadLetters } from "../../wal/dead_letters/dead_letter_reader.ts";
import {
  DeadLetterStore,
  isUnfinished,
  RETRY_DIRECTORY,
  unfinishedTransactions,
} from "../../wal/dead_letters/dead_letter_transaction.ts";
import { ABANDONED_AFTER_MS } from "../../wal/processes/failure_detector.ts";
import { isRunning, processStatusOf, writerOf } from "../../wal/processes/process_status.ts";
import type { SegmentFiles } from "../../wal/orphans/segment_status.ts";
import { parseStem, RECOVERY_DIRECTORY, SEGMENT_SUFFIX } from "../../wal/segment/segment_name.ts";
import { throwIfStopped } from "../context.ts";
import { type DeadLetterPath, deadLetterPaths } from "../dead_letters/files.ts";
import type { Finding } from "./findings.ts";
import type { LogDirectory } from "../logs/log_files.ts";
import { NAME_FILE } from "../../wal/segment/long_names.ts";
import { moveAway, QUARANTINE_DIRECTORY } from "./repair.ts";
import type { VerifyJob } from "./log_verifier.ts";

const SIDECARS =
  /^\.(lock|owner|seal|fence|open|started|closing|closed|checkpoint|delivered|deadletter|quarantine|jsonl|claim\.\d+)$/;

/** Files that outlive the data: dead letters, and those about interrupted calls. */
const OUTLIVING = /^\.(deadletter|quarantine|open|started|closing|closed)$/;

/** Verifies everything except the data in a project's directory. */
export async function verifySidecars(job: VerifyJob, log: LogDirectory): Promise<void> {
  const { context: { runtime, stop } } = job;
  for (const stem of log.stems) {
    for (const suffix of [...stem.suffixes].sort()) validateName(job, log, stem, suffix);
  }
  for (const { name, kind } of runtime.files.list(log.directory)) {
    const known = name === RETRY_DIRECTORY || name === RECOVERY_DIRECTORY ||
      name === QUARANTINE_DIRECTORY ||
      name === NAME_FILE ||
      parseStem(name.split(".")[0]) !== null || /^[0-9a-f]{32}\.probe$/.test(name);
    if (known && (kind === "file" || name.startsWith("."))) continue;
    const message = kind === "file" ? "Not a file of a log" : `A ${kind} among the logs`;
    add(job, log, { kind: "foreign", file: name, message, harmless: true });
  }
  for (const path of deadLetterPaths(runtime.files, log.directory, log.stems)) {
    throwIfStopped(stop);
    await checkDeadLetters(job, log, path);
  }
  await checkRetry(job, log);
}

function validateName(job: VerifyJob, log: LogDirectory, stem: SegmentFiles, suffix: string): void {
  const { context: { runtime } } = job;
  const file = stem.stem + suffix;
  const repairWith = (): Partial<Finding> =>
    job.repair ? moveAway(runtime, log.directory, file) : {};
  const hasData = stem.suffixes.has(SEGMENT_SUFFIX);
  if (suffix.endsWith(".tmp")) {
    if (!isOld(runtime, join(log.directory, file))) return;
    const message = "A temporary file of a process that died";
    add(job, log, { kind: "leftover", file, message, ...repairWith() });
  } else if (!SIDECARS.test(suffix)) {
    add(job, log, { kind: "foreign", file, message: "Not a file of a log", harmless: true });
  } else if (!hasData && !OUTLIVING.test(suffix)) {
    if (!isAbandoned(runtime, stem)) return;
    const message = "A sidecar file without its segment";
    add(job, log, { kind: "orphan", file, message, ...repairWith() });
  }
}

/** Returns whether no process can still write or drain this stem. */
function isAbandoned(runtime: Runtime, stem: SegmentFiles): boolean {
  const writer = writerOf(runtime, stem);
  if (isRunning(writer)) return false;
  const claim = currentLease(runtime.files, stem.paths.claim);
  return claim === null || processStatusOf(runtime, claim.holder, claim.path).liveness === "dead";
}

function isOld({ files, clock }: Runtime, path: string): boolean {
  const modified = files.stat(path)?.modified;
  return modified !== undefined && clock.now() - modified > ABANDONED_AFTER_MS;
}

async function checkDeadLetters(
  job: VerifyJob,
  log: LogDirectory,
  { path, quarantine }: DeadLetterPath,
): Promise<void> {
  const { files } = job.context.runtime;
  const file = basename(path);
  try {
    for await (const entry of readDeadLetters(files, path)) {
      const { position: offset, length } = entry;
      if (entry.corrupt !== undefined) {
        const message = isTornEntry(entry)
          ? "A truncated entry; its record is still in the log"
          : `Not a dead letter: ${entry.corrupt}`;
        const harmless = isTornEntry(entry) ? { harmless: true } : {};
        add(job, log, { kind: "dead-letter", file, offset, length, message, ...harmless });
      } else if (entry.quarantine && !holds(files, quarantine, entry.quarantine)) {
        const message = "A dead letter points to bytes that are not in quarantine";
        add(job, log, { kind: "dead-letter", file, offset, length, message });
      }
    }
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error; // Retried meanwhile.
  }
}

function holds(
  files: FileSystem,
  path: string,
  { offset, length }: { offset: number; length: number },
): boolean {
  return offset + length <= (files.stat(path)?.size ?? 0);
}

/** Restores the dead letters of an interrupted retry. */
async function checkRetry(job: VerifyJob, log: LogDirectory): Promise<void> {
  const { context: { runtime }, token } = job;
  if (!isUnfinished(runtime.files, log.directory)) return;
  const claim = currentLease(runtime.files, join(log.directory, RETRY_DIRECTORY, "claim."));
  if (claim && processStatusOf(runtime, claim.holder, claim.path).liveness !== "dead") return;
  const left = unfinishedTransactions(runtime.files, log.directory);
  const store = job.repair ? DeadLetterStore.claim(runtime, log.directory, token) : null;
  try {
    for (const stem of left) {
      const transaction = await store?.begin(stem);
      await transaction?.rollback();
      add(job, log, {
        kind: "unfinished-retry",
        file: join(RETRY_DIRECTORY, `${stem}.deadletter`),
        message: "Dead letters of a retry that was interrupted",
        ...(store ? { repaired: "put back" } : {}),
      });
    }
  } finally {
    store?.release();
  }
}

function add(
  { findings }: VerifyJob,
  { entity, project }: LogDirectory,
  finding: Omit<Finding, "entity" | "project">,
): void {
  findings.add({ entity, project, ...finding });
}
