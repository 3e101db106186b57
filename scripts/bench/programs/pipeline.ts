/**
 * Records of a typical size and pipelines with default settings, for all benchmarks.
 *
 * @module
 */

import { DEFAULTS } from "../../../src/client/settings/defaults.ts";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import type { Pipeline, PipelineOptions } from "../../../src/client/pipeline/pipeline.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";

/** Approximate size (bytes) of a request of {@linkcode startRequest}. */
export const RECORD_BYTES = 620;

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

/** An id for record `index`, of the length that real ones have. */
export function idOf(index: number): string {
  return `0190a1b2-c3d4-7e5f-8a9b-${index.toString(16).padStart(12, "0")}`;
}

/** A pipeline with default settings and `changes`. */
export function benchPipeline(walDir: string, changes: Partial<PipelineOptions> = {}): Pipeline {
  return openPipeline({
    ...DEFAULTS,
    runtime: detectRuntime(),
    fetch: globalThis.fetch,
    random: Math.random,
    token: () => crypto.randomUUID().replaceAll("-", ""),
    entity: "bench",
    project: "bench",
    serverUrl: "http://127.0.0.1:9",
    apiKey: "bench",
    wal: true,
    walDir,
    requireDisk: true,
    onEvent: ({ level, message }) => {
      if (level === "warn" || level === "error") console.error(message);
    },
    ...changes,
  });
}
