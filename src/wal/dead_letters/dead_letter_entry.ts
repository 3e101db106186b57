/**
 * The text of a dead letter entry: the record's own `type` and `req`, and an `error` with the
 * reason.
 *
 * @module
 */

import { RECORD_TYPES } from "../../protocol/record_types.ts";
import { contentStart, isValidRecord, readRecord } from "../record/record.ts";
import type { DeadLetter } from "../segment/segment.ts";

/** Maximum characters of a server's message to keep. */
export const MAX_MESSAGE_LENGTH = 2_000;

const decoder = new TextDecoder();

/** Builds the `error` of an entry: why the record was dead-lettered, and when (epoch ms). */
export function deadLetterError(deadLetter: DeadLetter, now: number): Record<string, unknown> {
  return {
    reason: deadLetter.reason,
    status: deadLetter.status,
    message: deadLetter.message?.slice(0, MAX_MESSAGE_LENGTH),
    attempts: deadLetter.attempts,
    at: new Date(now).toISOString(),
    offset: deadLetter.offset,
    length: deadLetter.length,
  };
}

/**
 * Returns the line for a dead letter, or `null` if its bytes are not a record and must be
 * quarantined.
 *
 * @param error From {@linkcode deadLetterError}.
 */
export function deadLetterEntry(
  { reason, line: whole }: DeadLetter,
  error: Record<string, unknown>,
): string | null {
  const line = whole?.subarray(contentStart(whole, 0));
  const span = { code: 0, start: 0, end: 0, canonical: true };
  const isRecord = (reason === "refused" || reason === "unsendable") && line !== undefined &&
    readRecord(line, 0, line.length, span) !== null && isValidRecord(line, 0, line.length);
  if (!isRecord) return null;
  const request = decoder.decode(line.subarray(span.start, span.end));
  const text = JSON.stringify(error);
  return `{"type":"${RECORD_TYPES[span.code]}","req":${request},"error":${text}}\n`;
}
