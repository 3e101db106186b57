/**
 * Writers that have ended and whose calls and spans recovery has to close, looked at without touching
 * their files: for people and for the command.
 *
 * @module
 */

import { Slices } from "../../runtime/event_loop.ts";
import { concernsOpenCalls } from "./close_interrupted.ts";
import { isRunning, type Writer } from "../processes/process_status.ts";
import type { ProcessCache, SegmentFiles } from "../orphans/segment_status.ts";
import {
  CLOSING_SUFFIX,
  closingStem,
  isClosingStem,
  isProcessToken,
  OPEN_SUFFIX,
  parseStem,
  SEGMENT_SUFFIX,
} from "../segment/segment_name.ts";
import type { Runtime } from "../../runtime/runtime.ts";

/** A writer with calls to be closed. */
export interface InterruptedWriter {
  readonly directory: string;
  /** The last of its stems that is not a closing segment. */
  readonly stem: string;
  readonly writer: Writer;
  /** Whether a segment of it has data: its calls are closed when that is sent. */
  readonly hasData: boolean;
  /** Names of its files in the directory, of which none is there when its calls are closed and sent. */
  readonly names: readonly string[];
}

/** Finds, in slices, the writers that have ended and left files about calls to be closed. */
export async function interruptedWriters(
  runtime: Runtime,
  stems: readonly SegmentFiles[],
  cache: ProcessCache,
): Promise<InterruptedWriter[]> {
  const slices = new Slices(runtime.clock);
  const byToken = new Map<string, SegmentFiles[]>();
  for (const segment of stems) {
    if (slices.isOver) await slices.next();
    if (!concernsOpenCalls(segment)) continue;
    const token = parseStem(segment.stem)?.writer ?? "";
    if (isProcessToken(token)) byToken.set(token, []);
  }
  // Few of a hundred thousand segments have such files.
  if (byToken.size === 0) return [];
  for (const segment of stems) {
    if (slices.isOver) await slices.next();
    byToken.get(parseStem(segment.stem)?.writer ?? "")?.push(segment);
  }
  const found: InterruptedWriter[] = [];
  for (const own of byToken.values()) {
    if (slices.isOver) await slices.next();
    const names = own.flatMap(({ stem, suffixes }) =>
      [OPEN_SUFFIX, CLOSING_SUFFIX].filter((suffix) => suffixes.has(suffix))
        .map((suffix) => stem + suffix)
    );
    const last = own.findLast(({ stem }) => !isClosingStem(stem));
    if (names.length === 0 || last === undefined) continue;
    const writer = cache.writer(runtime, last);
    if (isRunning(writer)) continue;
    const closing = closingStem(parseStem(last.stem)!);
    found.push({
      directory: last.directory,
      stem: last.stem,
      writer,
      hasData: own.some(({ suffixes }) => suffixes.has(SEGMENT_SUFFIX)),
      names: [...names, closing + CLOSING_SUFFIX, closing + SEGMENT_SUFFIX],
    });
  }
  return found;
}
