/**
 * The pipeline of a client that is disabled.
 *
 * @module
 */

import type { FlushResult, Pipeline } from "./pipeline.ts";

const NOTHING: FlushResult = {
  done: true,
  pendingBytes: 0,
  pendingRecords: 0,
  delivered: 0,
  deadLettered: 0,
};

/** Keeps nothing and sends nothing. */
export const nullPipeline: Pipeline = {
  append: () => {},
  sync: () => Promise.resolve(),
  flush: () => Promise.resolve(NOTHING),
  finish: () => Promise.resolve(NOTHING),
};
