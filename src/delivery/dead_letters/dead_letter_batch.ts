/**
 * Converts dead letters to records that can be sent, and back to lines that can be stored.
 * @module
 */

import { RECORD_TYPES } from "../../protocol/record_types.ts";
import { MAX_MESSAGE_LENGTH } from "../../wal/dead_letters/dead_letter_entry.ts";
import type { DeadLetterEntry } from "../../wal/dead_letters/dead_letter_reader.ts";
import { RECORD_PREFIX } from "../../wal/record/record.ts";
import { RecordBatch } from "../../wal/record/record_batch.ts";
import type { DeadLetter } from "../../wal/segment/segment.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const ENDING = encoder.encode("}\n");

/** Returns the entries' records as a batch, with the layout of their segment. */
export function batchOf(
  entries: readonly DeadLetterEntry[],
): { batch: RecordBatch; offsets: Map<number, DeadLetterEntry> } {
  const pieces = entries.map((entry) => ({
    entry,
    prefix: encoder.encode(RECORD_PREFIX[entry.type!]),
    request: entry.request!,
  }));
  const size = pieces.reduce(
    (sum, { prefix, request }) => sum + prefix.length + request.length + 2,
    0,
  );
  const bytes = new Uint8Array(size);
  const batch = new RecordBatch(bytes, 0, entries.length);
  const offsets = new Map<number, DeadLetterEntry>();
  let at = 0;
  for (const { entry, prefix, request } of pieces) {
    const start = at + prefix.length;
    const end = start + request.length;
    bytes.set(prefix, at);
    bytes.set(request, start);
    bytes.set(ENDING, end);
    const code = RECORD_TYPES.indexOf(entry.type!);
    batch.add({ code, start, end, canonical: true }, at, end + 1);
    offsets.set(at, entry);
    at = end + ENDING.length;
  }
  batch.to = at;
  return { batch, offsets };
}

/** Returns the line of a dead letter that the server rejected again. */
export function refusedAgain(
  { type, request, error }: DeadLetterEntry,
  deadLetter: DeadLetter,
  now: number,
): string {
  const again = {
    ...error,
    reason: error.reason,
    status: deadLetter.status,
    message: deadLetter.message?.slice(0, MAX_MESSAGE_LENGTH),
    attempts: deadLetter.attempts,
    at: new Date(now).toISOString(),
    retries: (error.retries ?? 0) + 1,
  };
  const text = decoder.decode(request!);
  return `{"type":"${type}","req":${text},"error":${JSON.stringify(again)}}\n`;
}
