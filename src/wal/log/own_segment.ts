/**
 * Opens a segment that this process writes, to drain it.
 *
 * @module
 */

import type { Runtime } from "../../runtime/runtime.ts";
import type { OpenCallsKeeper } from "../open_calls/open_calls_keeper.ts";
import { OwnGuard } from "../leases/fence.ts";
import type { Presence } from "../processes/presence.ts";
import { FileSegment } from "../segment/file_segment.ts";
import type { SegmentWriter } from "./segment_writer.ts";

/** Opens `segment` for draining. Throws the file system error if its file cannot be opened. */
export function readerOf(
  segment: SegmentWriter,
  stem: string,
  options: { runtime: Runtime; directory: string; presence: Presence },
  openCalls: () => OpenCallsKeeper | null,
): FileSegment {
  const { runtime, directory, presence } = options;
  return new FileSegment({
    runtime,
    directory,
    stem,
    paths: segment.paths,
    guard: new OwnGuard(runtime.files, presence, segment.paths),
    live: true,
    created: segment,
    end: () => segment.size,
    records: () => segment.records,
    isSealed: () => segment.sealed,
    openCalls,
  });
}
