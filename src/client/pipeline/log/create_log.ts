/**
 * Creates the log of a pipeline: on disk with a fallback to memory, or only one of the two.
 *
 * @module
 */

import { messageOf, WeaveWalError } from "../../../errors.ts";
import { DiskLog } from "../../../wal/log/disk_log.ts";
import { FailoverLog } from "../../../wal/log/failover_log.ts";
import { FileLog } from "../../../wal/log/file_log.ts";
import { MemoryLog } from "../../../wal/log/memory_log.ts";
import type { LocalLog, LogListener } from "../../../wal/log/record_log.ts";
import type { Segment } from "../../../wal/segment/segment.ts";
import type { PipelineOptions } from "../pipeline.ts";
import type { PipelineMonitor } from "../status/pipeline_monitor.ts";
import type { ProjectDisk } from "./project_disk.ts";

/** Options for {@linkcode createLog}. */
export interface CreateLogOptions {
  readonly pipeline: PipelineOptions;
  /** `null` keeps all records in memory. */
  readonly disk: ProjectDisk | null;
  readonly monitor: PipelineMonitor;
  /** Called for each new segment. */
  readonly onSegment: (segment: Segment) => void;
  /** Called when there may be more to send. */
  readonly onAppend: () => void;
  /** Called when the disk fails (with its error) and when it works again (with `null`). */
  readonly onDiskChanged: (error: unknown) => void;
}

/** The log of a pipeline, and its parts. */
export interface CreatedLog {
  /** The log to append to. */
  readonly log: LocalLog;
  readonly memory: MemoryLog;
  /** `null` if records are only kept in memory. */
  readonly disk: FileLog | null;
  /** The log, if it refuses records that cannot be written to disk. */
  readonly strict: DiskLog | null;
}

/**
 * Creates the log of a pipeline.
 *
 * @throws {WeaveWalError} `ERR_LOG_UNWRITABLE` if the disk is required and cannot be written.
 */
export function createLog(options: CreateLogOptions): CreatedLog {
  const { pipeline, disk: place, monitor, onDiskChanged } = options;
  const { clock } = pipeline.runtime;
  const listener: LogListener = {
    onSegment: options.onSegment,
    onAppend: options.onAppend,
    onSyncError: (error) => monitor.failed("sync", error),
    onSyncUnsupported: (error) => monitor.syncUnsupported(error),
    onDetached: () => monitor.events.logRemoved(),
  };
  const memory = new MemoryLog({
    maxBytes: pipeline.maxMemoryBytes,
    maxRecords: pipeline.maxMemoryRecords,
    clock,
    listener,
    onDeadLetter: ({ length }) =>
      monitor.dropped(
        "refused-in-memory",
        length,
        "the server refused it and the log is in memory",
      ),
  });
  if (place === null) return { log: memory, memory, disk: null, strict: null };
  const { walDir, sender, requireDisk, strict: isStrict } = pipeline;
  const { directory, token: writer, presence, quota } = place;
  const disk = new FileLog({
    ...pipeline,
    root: walDir,
    directory,
    writer,
    presence,
    quota,
    listener,
  });
  if (requireDisk) prepare(disk, walDir);
  if (isStrict) {
    const strict = new DiskLog({ disk, onDisk: onDiskChanged });
    return { log: strict, memory, disk, strict };
  }
  const log = new FailoverLog({ clock, disk, memory, sender, onDisk: onDiskChanged });
  return { log, memory, disk, strict: null };
}

function prepare(disk: FileLog, walDir: string): void {
  try {
    disk.prepare();
  } catch (error) {
    throw new WeaveWalError(
      "ERR_LOG_UNWRITABLE",
      `Cannot write the log in directory: ${JSON.stringify(walDir)} (${messageOf(error)}); ` +
        "make it writable or choose another with walDir",
      { cause: error },
    );
  }
}
