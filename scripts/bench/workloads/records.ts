/**
 * Requests of chosen sizes, for all benchmarks that append records without a client.
 *
 * @module
 */

/** Approximate size (bytes) of a request of {@linkcode startRequest} without padding. */
export const RECORD_BYTES = 620;

/** Size (bytes) of the smallest request of {@linkcode requestOfSize}. */
const SMALLEST_BYTES = 130;

/** A `call_start` request. */
export function startRequest(id: string): Record<string, unknown> {
  return {
    start: {
      project_id: "bench/bench",
      id,
      trace_id: "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b",
      op_name: "weave:///bench/bench/op/answer:RBNvo1WzZ4oRRq0W9XhknpT7T8If536DEMBg9hyqY4o",
      started_at: "2026-01-01T00:00:00.000000Z",
      attributes: { weave: { client_version: "0.1.0", source: "js-sdk" } },
      inputs: {
        question: "What is written before it is sent, and why does that matter to anybody?",
        passages: [
          "A log that is written first survives the end of the process that wrote it.",
          "Records that are only in memory are lost with it.",
        ],
        limit: 5,
        temperature: 0.25,
      },
    },
  };
}

/** A `call_end` request whose JSON text has about `bytes` bytes, at least 130. */
export function requestOfSize(id: string, bytes: number): Record<string, unknown> {
  return {
    end: {
      project_id: "bench/bench",
      id,
      ended_at: "2026-01-01T00:00:00.000000Z",
      output: "x".repeat(Math.max(0, bytes - SMALLEST_BYTES)),
      summary: {},
    },
  };
}

/** An ID for record `index`, as long as real ones. */
export function idOf(index: number): string {
  return `0190a1b2-c3d4-7e5f-8a9b-${index.toString(16).padStart(12, "0")}`;
}
