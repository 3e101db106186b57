/**
 * Dead letters of records that were not delivered.
 *
 * @module
 */

import { isValidRecord } from "../../wal/record/record.ts";
import type { BatchRecord } from "../../wal/record/record_batch.ts";
import type { DeadLetter } from "../../wal/segment/segment.ts";
import type { SendOutcome } from "../http/send_with_retry.ts";

/** Whether a record is valid JSON. */
export function isSound({ bytes, lineStart, lineEnd }: BatchRecord): boolean {
  return isValidRecord(bytes, lineStart, lineEnd);
}

/**
 * The dead letter of a record that was not delivered. If the record itself is corrupt, it says so.
 *
 * @param attempts How often it was sent in a request of its own, if it failed more than once.
 */
export function deadLetterOf(
  record: BatchRecord,
  verdict: Exclude<SendOutcome, { kind: "done" }>,
  attempts?: number,
): DeadLetter {
  if (verdict.kind === "unsendable") return unsendableDeadLetter(record, verdict.error);
  if (!isSound(record)) return corruptDeadLetter(record);
  const { status } = verdict;
  const message = verdict.kind === "failure" ? verdict.message || verdict.reason : verdict.message;
  return {
    reason: "refused",
    ...(status === undefined ? {} : { status }),
    message,
    ...(attempts === undefined ? {} : { attempts }),
    ...lineOf(record),
  };
}

/** The dead letter of a record that is not valid JSON. */
export function corruptDeadLetter(record: BatchRecord): DeadLetter {
  return { reason: "corrupt", ...lineOf(record) };
}

/** The dead letter of a record that this package cannot make a request of, because of `error`. */
export function unsendableDeadLetter(record: BatchRecord, error: unknown): DeadLetter {
  if (!isSound(record)) return corruptDeadLetter(record);
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return { reason: "unsendable", message, ...lineOf(record) };
}

/** The dead letter of the end of a call that is not found because its start was not delivered. */
export function blame(deadLetter: DeadLetter, start: DeadLetter | undefined): DeadLetter {
  if (start === undefined || deadLetter.status !== 404) return deadLetter;
  const { offset, length, line } = deadLetter;
  const { reason, status, message, attempts } = start;
  return {
    reason,
    ...(status === undefined ? {} : { status }),
    ...(message === undefined ? {} : { message }),
    ...(attempts === undefined ? {} : { attempts }),
    offset,
    length,
    ...(line === undefined ? {} : { line }),
  };
}

function lineOf(
  { bytes, offset, lineStart, lineEnd }: BatchRecord,
): { offset: number; length: number; line: Uint8Array<ArrayBuffer> } {
  return { offset, length: lineEnd - lineStart, line: bytes.slice(lineStart, lineEnd) };
}
