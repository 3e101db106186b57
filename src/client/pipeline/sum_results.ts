/**
 * Combines the results of several flushes.
 *
 * @module
 */

import type { FlushResult } from "./pipeline.ts";

/** Combines results: done if all are, otherwise with the first reason. */
export function sumResults(results: readonly FlushResult[]): FlushResult {
  const sum = (of: (result: FlushResult) => number): number =>
    results.reduce((total, result) => total + of(result), 0);
  const reason = results.find(({ done }) => !done)?.reason;
  return {
    done: results.every(({ done }) => done),
    pendingBytes: sum(({ pendingBytes }) => pendingBytes),
    pendingRecords: sum(({ pendingRecords }) => pendingRecords),
    ...(results.some(({ pendingEstimated }) => pendingEstimated) ? { pendingEstimated: true } : {}),
    delivered: sum(({ delivered }) => delivered),
    deadLettered: sum(({ deadLettered }) => deadLettered),
    ...(reason === undefined ? {} : { reason }),
  };
}
