/**
 * Dead letters of undelivered records.
 * @module
 */

import { isValidRecord } from "../../wal/record/record.ts";
import type { BatchRecord } from "../../wal/record/record_batch.ts";
import type { DeadLetter } from "../../wal/segment/segment.ts";
import type { SendOutcome } from "../http/send_with_retry.ts";

/** Returns whether a record is valid JSON. */
export function isSound({ bytes, lineStart, lineEnd }: BatchRecord): boolean {
  return isValidRecord(bytes, lineStart, lineEnd);
}

/**
 * Creates the dead letter of an undelivered record. If the record itself is corrupt, the dead
 * letter says so.
 * @param attempts Number of attempts in its own request, if it failed more than once.
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
    ...(verdict.kind === "refused" && verdict.isUndecided ? { isUndecided: true } : {}),
    ...lineOf(record),
  };
}

/** Returns the place of an end that began to wait while its batch was delivered. */
export function heldEnd(record: BatchRecord): DeadLetter {
  return { reason: "refused", isHeld: true, ...lineOf(record) };
}

/** Creates the dead letter of a record that is not valid JSON. */
export function corruptDeadLetter(record: BatchRecord): DeadLetter {
  return { reason: "corrupt", ...lineOf(record) };
}

/** Creates the dead letter of a record for which no request can be built because of `error`. */
export function unsendableDeadLetter(record: BatchRecord, error: unknown): DeadLetter {
  if (!isSound(record)) return corruptDeadLetter(record);
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return { reason: "unsendable", message, ...lineOf(record) };
}

/**
 * Returns the dead letter of the end of a call that was not found because its start was not
 * delivered.
 */
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
