/**
 * The calls of this process that another process closed because it presumed this one dead.
 *
 * @module
 */

import type { FileSystem } from "../../runtime/file_system.ts";
import { hasCode } from "../../errors.ts";
import { RECORD_PREFIX } from "../record/record.ts";
import { isClosingStem, parseStem, segmentPaths } from "../segment/segment_name.ts";

/** Maximum bytes of a closing segment to read. */
const MAX_BYTES = 64 * 1024 * 1024;
/** The ID of a call, or the span ID that precedes the bytes of a span. */
const ID = /"(?:id|span)":"([^"\\]+)"/;

const TRACKED = ["call_start", "call_end", "otel_traces", "otel_agents"] as const;

/** Finds the closing segments of one writer, and the calls that they end. */
export class ClosedCalls {
  readonly #files: FileSystem;
  readonly #directory: string;
  readonly #writer: string;
  readonly #ids = new Set<string>();
  readonly #known = new Set<string>();

  /** @param writer The writer's token. */
  constructor(files: FileSystem, directory: string, writer: string) {
    this.#files = files;
    this.#directory = directory;
    this.#writer = writer;
  }

  /**
   * Looks for closing segments, after a heartbeat that shows that this process is running. Removes
   * one that is not in effect yet. Throws the file system error.
   *
   * @returns Whether there is a new one in effect.
   */
  look(): boolean {
    const before = this.#known.size;
    const stems = new Set<string>();
    for (const { name } of this.#files.list(this.#directory)) {
      const stem = parseStem(name.split(".")[0]);
      if (stem?.writer === this.#writer && isClosingStem(stem.stem)) stems.add(stem.stem);
    }
    for (const stem of stems) {
      if (this.#known.has(stem)) continue;
      const text = this.#take(stem);
      for (const line of text.split("\n")) {
        const id = ID.exec(line)?.[1];
        if (id !== undefined) this.#ids.add(id);
      }
      if (text !== "") this.#known.add(stem);
    }
    return this.#known.size > before;
  }

  /** Whether any call was closed. */
  get any(): boolean {
    return this.#ids.size > 0;
  }

  /** Returns whether a line is the start or the end of a closed call. */
  has(line: string): boolean {
    const isTracked = TRACKED.some((type) => line.startsWith(RECORD_PREFIX[type]));
    return isTracked && this.#ids.has(ID.exec(line)?.[1] ?? "");
  }

  /** Returns the text of a closing segment that is in effect; empty if there is none. */
  #take(stem: string): string {
    const { closing, data, closed } = segmentPaths(this.#directory, stem);
    try {
      this.#files.remove(closing);
      return "";
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
    }
    for (const path of [data, closed]) {
      try {
        return this.#files.readText(path, { maxBytes: MAX_BYTES });
      } catch (error) {
        if (!hasCode(error, "ENOENT")) throw error;
      }
    }
    return "";
  }
}
