/**
 * Opens pipelines.
 *
 * @module
 */

import { withGuardedLinks } from "../../runtime/link_guard.ts";
import { outsideClock, runOutside } from "../server/outside.ts";
import { saveLongNames } from "../../wal/segment/long_names.ts";
import type { Pipeline, PipelineOptions, StrictPipeline } from "./pipeline.ts";
import { WalPipeline } from "./wal_pipeline.ts";

/**
 * Opens a pipeline: the file log or the memory log, and the sender, unless it is disabled. The
 * sender immediately looks for records of earlier processes.
 *
 * @throws {WeaveWalError} `ERR_LOG_UNWRITABLE` if `requireDisk` is set and the log's directory
 * cannot be used; `ERR_INVALID_NAME` for names that cannot be part of a path.
 */
export function openPipeline(options: PipelineOptions): Pipeline {
  const { name, files, process, clock } = options.runtime;
  const runtime = { name, files, process, clock: outsideClock(clock) };
  const outside = { ...options, runtime };
  // Its background work does not belong to the code that happens to call `init`.
  return runOutside(() => options.wal ? openOnDisk(outside) : new WalPipeline(outside));
}

/**
 * Opens a pipeline with a file log that refuses records that cannot be written to disk.
 *
 * @throws {WeaveWalError} The same as {@linkcode openPipeline}.
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
    // The log gets the same error, and reports it.
  }
  return new WalPipeline({ ...options, runtime });
}
