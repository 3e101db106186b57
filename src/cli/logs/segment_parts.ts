/**
 * Segments as parts of a log.
 *
 * @module
 */

import type { Runtime } from "../../runtime/runtime.ts";
import { inspectSegments, type SegmentState } from "../../wal/orphans/segment_status.ts";
import { deadLetterOffsets } from "../dead_letters/files.ts";
import { begunAt } from "../status/state/oldest_record.ts";
import { processName } from "../status/state/sender_state.ts";
import { formatBytes, printable } from "../terminal/format.ts";
import { findLogs, withData } from "./log_files.ts";
import { blocksFromEnd, readLog } from "./log_lines.ts";
import type { LogPart } from "./log_part.ts";
import type { LogFilter, ProjectPath } from "./projects.ts";

/**
 * The segments that `path` means, oldest first.
 *
 * @throws {CommandError} if nothing is there.
 */
export async function segmentParts(
  runtime: Runtime,
  path: string | undefined,
  root: string,
  filter: LogFilter,
): Promise<LogPart[]> {
  const logs = await findLogs(runtime, path, root, filter);
  return (await inspectSegments(runtime, withData(logs))).map((state) => partOf(runtime, state));
}

function partOf(runtime: Runtime, state: SegmentState & ProjectPath): LogPart {
  const { entity, project, directory, python, stem, size, checkpoint, paths } = state;
  return {
    entity,
    project,
    directory,
    ...(python === undefined ? {} : { python }),
    key: paths.data,
    name: `${stem}.jsonl`,
    about: aboutOf(state),
    size,
    pendingFrom: checkpoint.offset,
    begun: begunAt(stem),
    read: (range) => readLog(runtime, state, range),
    blocksFromEnd: () => blocksFromEnd(runtime, state),
    deadLettered: () => deadLetterOffsets(runtime.files, state),
  };
}

function aboutOf({ size, checkpoint, writer }: SegmentState): string {
  const sent = size === 0 ? "empty" : `${Math.floor((checkpoint.offset / size) * 100)}% sent`;
  return printable(
    `${formatBytes(size)}, ${sent}, writer ${writer.liveness} (${processName(writer)})`,
  );
}
