/**
 * Pipelines with default settings, for all benchmarks that append records without a client.
 *
 * @module
 */

import { DEFAULTS } from "../../../src/client/settings/defaults.ts";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import type { Pipeline, PipelineOptions } from "../../../src/client/pipeline/pipeline.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";

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
