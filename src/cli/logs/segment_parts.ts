/**
 * Segments as parts of a log.
 *
 * @module
 */

import type { Runtime } from "../../runtime/runtime.ts";
import {
  inspectSegments,
  pendingBytes,
  type SegmentState,
} from "../../wal/orphans/segment_status.ts";
import { NO_LINES, readDeliveredLines, SettledLines } from "../../wal/segment/delivered_lines.ts";
import { deadLetterOffsets } from "../dead_letters/files.ts";
import { begunAt } from "../status/state/oldest_record.ts";
import { processName } from "../status/state/sender_state.ts";
import { formatBytes, printable } from "../terminal/format.ts";
import { SEGMENT_SUFFIX } from "../../wal/segment/segment_name.ts";
import { findLogs, withData } from "./log_files.ts";
import { blocksFromEnd, readLine, readLog } from "./log_lines.ts";
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

/**
 * Returns segments of a project as parts of the log.
 *
 * @param name Only the one with this name.
 */
export function partsOf(
  runtime: Runtime,
  project: ProjectPath,
  states: readonly SegmentState[],
  name?: string,
): LogPart[] {
  return states.filter(({ stem }) => name === undefined || nameOf(stem) === name)
    .map((state) => partOf(runtime, { ...state, ...project }));
}

function nameOf(stem: string): string {
  return stem + SEGMENT_SUFFIX;
}

function partOf(runtime: Runtime, state: SegmentState & ProjectPath): LogPart {
  const { entity, project, directory, python, stem, suffixes, size, checkpoint, paths } = state;
  return {
    entity,
    project,
    directory,
    ...(python === undefined ? {} : { python }),
    key: paths.data,
    name: nameOf(stem),
    get about() {
      return aboutOf(state);
    },
    size,
    pendingFrom: checkpoint.offset,
    pendingBytes: pendingBytes(state),
    begun: begunAt(stem),
    written: () => runtime.files.stat(paths.data)?.modified ?? null,
    read: (range) => readLog(runtime, state, range),
    at: (position) => readLine(runtime, state, position),
    blocksFromEnd: (options) => blocksFromEnd(runtime, state, options),
    deadLettered: () => deadLetterOffsets(runtime.files, state),
    delivered: () =>
      suffixes.has(".delivered")
        ? new SettledLines([], readDeliveredLines(runtime.files, paths.delivered))
        : NO_LINES,
  };
}

function aboutOf({ size, checkpoint, writer }: SegmentState): string {
  const sent = size === 0 ? "empty" : `${Math.floor((checkpoint.offset / size) * 100)}% sent`;
  return printable(
    `${formatBytes(size)}, ${sent}, writer ${writer.liveness} (${processName(writer)})`,
  );
}
