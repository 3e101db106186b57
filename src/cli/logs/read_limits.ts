/**
 * Limits of the memory that reading a log for display takes.
 *
 * @module
 */

import type { BatchLimits } from "../../wal/record/batch_reader.ts";

/** Bytes of one record that are read into memory: the server's own request limit, and a little. */
export const MAX_RECORD_BYTES: number = 33 * 1024 * 1024;

/** Least bytes of a batch. */
const MIN_BATCH_BYTES = 4096;

/** Limits for reading a file of so many bytes: thousands of small ones need no large buffers. */
export function limitsFor(size: number): BatchLimits {
  return { ...READ_LIMITS, bytes: Math.min(READ_LIMITS.bytes, Math.max(MIN_BATCH_BYTES, size)) };
}

/** Limits for reading batches; records of every type share them. */
export const READ_LIMITS: BatchLimits = {
  bytes: 1024 * 1024,
  records: 1_000,
  recordBytes: MAX_RECORD_BYTES,
  isExclusive: () => false,
};
