/**
 * Sends a batch, and finds the records in it that the server will not have.
 *
 * @module
 */

import { isSoundRecord } from "../wal/record.ts";
import type { DeadLetter } from "../wal/segment.ts";
import type { Window, WindowRecord } from "../wal/window.ts";
import type { Verdict } from "./exchange.ts";

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
 * @returns The records that were not delivered, with the reasons; all others were.
 */
export async function sendBatch(
  bytes: Window["bytes"],
  items: readonly BatchItem[],
  post: (items: readonly BatchItem[]) => Promise<Verdict>,
): Promise<DeadLetter[]> {
  if (items.length === 0) return [];
  const verdict = await post(items);
  if (verdict.kind === "done") return [];
  if (verdict.kind === "refused") {
    const sound = items.filter(({ records }) =>
      records.every((record) => isSoundRecord(bytes, record.lineStart, record.lineEnd))
    );
    if (sound.length < items.length) {
      const damaged = items.filter((item) => !sound.includes(item)).flatMap(({ records }) =>
        records
      );
      const letters = damaged.map((record) => {
        const isSound = isSoundRecord(bytes, record.lineStart, record.lineEnd);
        return isSound ? refusedLetter(bytes, record, verdict) : corruptLetter(bytes, record);
      });
      return [...letters, ...await sendBatch(bytes, sound, post)];
    }
  }
  if (items.length === 1) {
    return items[0].records.map((record) => refusedLetter(bytes, record, verdict));
  }
  const middle = items.length >> 1;
  const first = await sendBatch(bytes, items.slice(0, middle), post);
  return [...first, ...await sendBatch(bytes, items.slice(middle), post)];
}

/** The dead letter of a record that the server refused. */
export function refusedLetter(
  bytes: Window["bytes"],
  record: WindowRecord,
  verdict: Exclude<Verdict, { kind: "done" }>,
): DeadLetter {
  const { status, message } = verdict;
  return { reason: "refused", status, message, ...lineOf(bytes, record) };
}

/** The dead letter of a record that is no sound JSON. */
export function corruptLetter(bytes: Window["bytes"], record: WindowRecord): DeadLetter {
  return { reason: "corrupt", ...lineOf(bytes, record) };
}

function lineOf(
  bytes: Window["bytes"],
  { offset, lineStart, lineEnd }: WindowRecord,
): { offset: number; length: number; line: Uint8Array } {
  return { offset, length: lineEnd - lineStart, line: bytes.slice(lineStart, lineEnd) };
}
