/**
 * Sends a batch, and finds the records in it that the server will not have.
 *
 * @module
 */

import { isSoundRecord } from "../../wal/record/record.ts";
import type { DeadLetter } from "../../wal/segment/segment.ts";
import type { WindowRecord } from "../../wal/record/record_batch.ts";
import type { Verdict } from "../http/send_with_retry.ts";

/** One element of a batch and the records that it stands for. */
export interface BatchItem {
  readonly records: readonly WindowRecord[];
  /** The element's text, in pieces. */
  readonly pieces: readonly Uint8Array[];
}

/**
 * Sends `items` in order. A batch that is too large is halved; one that is refused is split until
 * the refused item stands alone. Damaged records are found without asking the server.
 *
 * @param post Sends some of the items as one request.
 * @param apart Sends the records of one item each by itself: one may be at fault for all.
 * @returns The records that were not delivered, with the reasons; all others were.
 */
export async function sendBatch(
  items: readonly BatchItem[],
  post: (items: readonly BatchItem[]) => Promise<Verdict>,
  apart?: (records: BatchItem["records"]) => Promise<DeadLetter[]>,
): Promise<DeadLetter[]> {
  if (items.length === 0) return [];
  const verdict = await post(items);
  if (verdict.kind === "done") return [];
  const giveUp = async ({ records }: BatchItem): Promise<DeadLetter[]> =>
    apart && records.length > 1
      ? await apart(records)
      : records.map((record) => letterOf(record, verdict));
  if (verdict.kind === "refused") {
    const sound = items.filter(({ records }) => records.every(isSound));
    if (sound.length < items.length) {
      const letters: DeadLetter[] = [];
      for (const item of items) if (!sound.includes(item)) letters.push(...await giveUp(item));
      return [...letters, ...await sendBatch(sound, post, apart)];
    }
  }
  if (items.length === 1) return await giveUp(items[0]);
  const middle = items.length >> 1;
  const first = await sendBatch(items.slice(0, middle), post, apart);
  return [...first, ...await sendBatch(items.slice(middle), post, apart)];
}

/** Whether a record is sound JSON. */
export function isSound({ bytes, lineStart, lineEnd }: WindowRecord): boolean {
  return isSoundRecord(bytes, lineStart, lineEnd);
}

/** The dead letter of a record that was not taken: its own damage comes before what was said. */
export function letterOf(
  record: WindowRecord,
  verdict: Exclude<Verdict, { kind: "done" }>,
): DeadLetter {
  return isSound(record) ? refusedLetter(record, verdict) : corruptLetter(record);
}

/** The dead letter of a record that the server refused. */
export function refusedLetter(
  record: WindowRecord,
  { status, message }: { readonly status?: number; readonly message: string },
): DeadLetter {
  const said = status === undefined ? { message } : { status, message };
  return { reason: "refused", ...said, ...lineOf(record) };
}

/** The dead letter of a record that is no sound JSON. */
export function corruptLetter(record: WindowRecord): DeadLetter {
  return { reason: "corrupt", ...lineOf(record) };
}

function lineOf(
  { bytes, offset, lineStart, lineEnd }: WindowRecord,
): { offset: number; length: number; line: Uint8Array<ArrayBuffer> } {
  return { offset, length: lineEnd - lineStart, line: bytes.slice(lineStart, lineEnd) };
}
