/**
 * Counts waiting records, reading only what is new since the last count.
 *
 * @module
 */

import type { FileSystem } from "../../runtime/runtime.ts";
import { countRecords } from "../../wal/segment/count_records.ts";
import type { SegmentState } from "../../wal/ownership/segment_status.ts";
import { ReadSegment } from "../../wal/segment/read_only_segment.ts";

interface Counted {
  readonly from: number;
  readonly to: number;
  readonly records: number;
}

/** Bytes between two looks at whether to go on. */
const STEP_BYTES = 32 * 1024 * 1024;

/** Counts the records behind the checkpoint of segments, and remembers. */
export class PendingCounter {
  readonly #files: FileSystem;
  readonly #onBytes: (bytes: number) => void;
  readonly #counted = new Map<string, Counted>();

  /** @param onBytes Told of bytes as they are read; may throw to stop the counting. */
  constructor(files: FileSystem, onBytes: (bytes: number) => void) {
    this.#files = files;
    this.#onBytes = onBytes;
  }

  /** Bytes that {@linkcode count} would read. */
  cost({ paths, size, checkpoint }: SegmentState): number {
    const before = this.#counted.get(paths.data);
    if (!before || checkpoint.offset < before.from || size < before.to) {
      return size - checkpoint.offset;
    }
    return (size - before.to) + (checkpoint.offset - before.from);
  }

  /** Records that wait in the segment. Rejects with `ENOENT` when it is gone. */
  async count({ paths, size, checkpoint }: SegmentState): Promise<number> {
    const from = checkpoint.offset;
    const to = size;
    const before = this.#counted.get(paths.data);
    if (from >= to) return 0;
    let end = from;
    const segment = new ReadSegment(this.#files, paths.data, { name: paths.data, end: () => end });
    const between = async (start: number, stop: number): Promise<number> => {
      let records = 0;
      for (let at = start; at < stop; at = end) {
        end = Math.min(stop, at + STEP_BYTES);
        records += await countRecords(segment, at);
        this.#onBytes(end - at);
      }
      return records;
    };
    try {
      const records = !before || from < before.from || to < before.to
        ? await between(from, to)
        : before.records + await between(before.to, to) - await between(before.from, from);
      this.#counted.set(paths.data, { from, to, records });
      return records;
    } finally {
      segment.close();
    }
  }

  /** Forgets segments that are gone. */
  keep(paths: ReadonlySet<string>): void {
    for (const path of this.#counted.keys()) if (!paths.has(path)) this.#counted.delete(path);
  }
}
