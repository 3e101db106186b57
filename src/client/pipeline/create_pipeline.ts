/**
 * Opens pipelines.
 *
 * @module
 */

import { withGuardedLinks } from "../../runtime/link_guard.ts";
import { saveLongNames } from "../../wal/segment/long_names.ts";
import type { Pipeline, PipelineOptions, StrictPipeline } from "./pipeline.ts";
import { WalPipeline } from "./wal_pipeline.ts";

/**
 * Opens a pipeline: the file log or the memory log in front, and, unless it is off, the sender
 * behind, which at once looks for what earlier processes left.
 *
 * @throws {WeaveWalError} `ERR_LOG_UNWRITABLE` when `requireDisk` is set and the log's directory
 *   cannot be used; `ERR_INVALID_NAME` for names that cannot be path parts.
 */
export function openPipeline(options: PipelineOptions): Pipeline {
  return options.wal ? openOnDisk(options) : new WalPipeline(options);
}

/**
 * Opens a pipeline over the file log that refuses what its disk does not take.
 *
 * @throws {WeaveWalError} As {@linkcode openPipeline}.
 */
export function openStrictPipeline(options: PipelineOptions): Pipeline & StrictPipeline {
  return openOnDisk({ ...options, wal: true, strict: true });
}

function openOnDisk(options: PipelineOptions): WalPipeline {
  const { walDir, entity, project } = options;
  const runtime = withGuardedLinks(options.runtime, walDir);
  try {
    saveLongNames(runtime.files, walDir, entity, project);
  } catch {
    // The log meets the same trouble, and reports it.
  }
  return new WalPipeline({ ...options, runtime });
}
