/**
 * Batches of records, as read from a log by the sender.
 *
 * @module
 */

import { RecordBatch } from "../../../src/wal/record/record_batch.ts";
import type { RecordType } from "../../../src/protocol/record_types.ts";
import { SettledLines } from "../../../src/wal/segment/delivered_lines.ts";
import { splitRecords } from "../../../src/wal/record/split_records.ts";
import { bytesOf } from "../wal/wal_fixture.ts";

/** Default number of bytes in front of the first record. */
const ROOM = 16;

/** A line of the log, as written by the client. */
export function line(type: RecordType, request: string): string {
  return `{"type":"${type}","req":${request}}`;
}

/** A batch of all lines of `log`, with padding after it, and before it if there is headroom. */
export function batchOf(
  log: string,
  { room = ROOM, settledLines = [] }: { room?: number; settledLines?: readonly number[] } = {},
): RecordBatch {
  const bytes = bytesOf("#".repeat(room) + log + "#".repeat(20));
  const batch = new RecordBatch(bytes, -room, 100);
  batch.room = room;
  batch.restore = () => Promise.resolve();
  splitRecords(batch, {
    from: room,
    filled: bytes.length - 20,
    maxBytes: 1_000_000,
    exclusive: [],
    settledLines: new SettledLines(settledLines),
  });
  return batch;
}
