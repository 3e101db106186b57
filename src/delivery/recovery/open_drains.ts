/**
 * Drains of segments that running processes write but do not send.
 * @module
 */

import { hasCode } from "../../errors.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { ListedSegment } from "../../wal/orphans/directory_listing.ts";
import { isOfPython } from "../../wal/processes/python_writer.ts";
import type { OpenCallsKeepers } from "../../wal/open_calls/open_calls_keeper.ts";
import { FileSegment } from "../../wal/segment/file_segment.ts";
import type { SegmentGuard } from "../../wal/segment/segment.ts";
import { parseStem, segmentPaths } from "../../wal/segment/segment_name.ts";
import { Drain, type DrainEnd } from "../drain/drain.ts";
import type { DrainOptions } from "../drain/drain_options.ts";

/** Maximum number of these segments that are drained at once; each is an open file. */
const MAX_OPEN = 64;

/** Options for {@linkcode OpenDrains}. */
export interface OpenDrainsOptions {
  readonly runtime: Runtime;
  readonly drain: DrainOptions;
  /** Base URL of the server that this sender sends to. */
  readonly server: string;
  /** Store the state of open calls when segments are removed. */
  readonly openCalls: OpenCallsKeepers;
  /** Returns whether a segment may have ends of calls that started in other logs. */
  readonly sharesCalls: (segment: ListedSegment) => boolean;
  /** Returns whether no record will be added to a segment. */
  readonly isFinal: (segment: ListedSegment) => boolean;
  /** Resolves with whether the log continues in a segment after these. */
  readonly continues: (stems: readonly string[]) => Promise<boolean>;
}

/** Drains segments while they are written, each separately. */
export class OpenDrains {
  readonly #options: OpenDrainsOptions;
  /** By stem. */
  readonly #drains = new Map<string, Drain>();

  constructor(options: OpenDrainsOptions) {
    this.#options = options;
  }

  /** Drains in progress. */
  get all(): readonly Drain[] {
    return [...this.#drains.values()];
  }

  /** Stems of final segments that are sent but for ends that wait for starts in later ones. */
  get held(): readonly string[] {
    return [...this.#drains].filter(([, drain]) => drain.isHolding).map(([stem]) => stem);
  }

  /** Returns whether a segment is being drained. */
  has(stem: string): boolean {
    return this.#drains.has(stem);
  }

  /** Writers of the segments being drained. */
  get writers(): ReadonlySet<string | undefined> {
    return writersOf(this.#drains.keys());
  }

  /**
   * Returns a function that tells whether a segment has to wait for an earlier one of its log that is
   * being sent. The names of Python's segments do not tell which are of the same log: if one of them
   * is closed, all later ones wait. Call it after the directory was listed, because a segment that
   * is open then has no later one in the list.
   */
  order(): (segment: ListedSegment) => boolean {
    const sending = [...this.#drains].filter(([, { isHolding }]) => !isHolding);
    const writers = writersOf(sending.map(([stem]) => stem));
    const [python] = sending.filter(([, { segment }]) => segment.mayReorder && segment.isSealed())
      .map(([stem]) => stem).sort();
    return (segment) =>
      writers.has(segment.writer) ||
      (python !== undefined && segment.stem > python && isOfPython(segment));
  }

  /**
   * Drains a segment to its end; `null` if it no longer exists or too many are open. Reports the
   * file system error if it cannot be opened.
   */
  async run(listed: ListedSegment, guard: SegmentGuard): Promise<DrainEnd | null> {
    if (this.#drains.size >= MAX_OPEN) return null;
    const { runtime, server, drain: options, isFinal, openCalls, continues } = this.#options;
    const { directory, stem, writer } = listed;
    let segment: FileSegment;
    try {
      segment = new FileSegment({
        runtime,
        directory,
        stem,
        server,
        paths: segmentPaths(directory, stem),
        guard,
        live: false,
        isSealed: () => isFinal(listed),
        continues: () => continues([stem]),
        openCalls: () => openCalls.of(writer),
      });
    } catch (error) {
      if (!hasCode(error, "ENOENT")) options.onTrouble("recovery", error);
      return null;
    }
    const drain = new Drain(segment, {
      ...options,
      sharesCalls: this.#options.sharesCalls(listed),
    });
    this.#drains.set(stem, drain);
    try {
      return await drain.run();
    } finally {
      this.#drains.delete(stem);
    }
  }
}

function writersOf(stems: Iterable<string>): Set<string | undefined> {
  return new Set([...stems].map((stem) => parseStem(stem)?.writer));
}
