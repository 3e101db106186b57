/**
 * Memory limits for reading a log for display.
 *
 * @module
 */

import type { BatchLimits } from "../../wal/record/batch_reader.ts";
import { MAX_RECORD_BYTES } from "../../wal/record/record.ts";

/** Minimum bytes of a batch. */
const MIN_BATCH_BYTES = 4096;

/**
 * Returns the limits for reading a file of this size: thousands of small files need no large
 * buffers.
 */
export function limitsFor(size: number): BatchLimits {
  return { ...READ_LIMITS, bytes: Math.min(READ_LIMITS.bytes, Math.max(MIN_BATCH_BYTES, size)) };
}

/** Limits for reading batches of any record types. */
export const READ_LIMITS: BatchLimits = {
  bytes: 1024 * 1024,
  records: 1_000,
  recordBytes: MAX_RECORD_BYTES,
  isExclusive: () => false,
};
