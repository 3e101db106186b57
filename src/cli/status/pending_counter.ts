/**
 * Counts waiting records, reading only what is new since the last count.
 *
 * @module
 */

import type { FileSystem } from "../../runtime/runtime.ts";
import { countRecords } from "../../wal/segment/count_records.ts";
import type { SegmentState } from "../../wal/ownership/segment_status.ts";
import { oldestPending } from "./oldest_record.ts";
import { ReadOnlySegment } from "../../wal/segment/read_only_segment.ts";

/** Records that are pending in a segment. */
export interface PendingRecords {
  readonly records: number;
  /** When the oldest of them was written, epoch ms; `null` where none is pending. */
  readonly oldest: number | null;
}

interface Counted extends PendingRecords {
  readonly from: number;
  readonly to: number;
}

const NOTHING: PendingRecords = { records: 0, oldest: null };

/** Bytes between two looks at whether to go on. */
const STEP_BYTES = 32 * 1024 * 1024;

/** Counts the records behind the checkpoint of segments, and remembers. */
export class PendingCounter {
  readonly #files: FileSystem;
  readonly #onBytes: (bytes: number) => void;
  readonly #counted = new Map<string, Counted>();

  /** @param onBytes Called with the number of bytes as they are read; may throw to stop the counting. */
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

  /** Counts the pending records of the segment. Rejects with `ENOENT` if it does not exist. */
  async count(state: SegmentState): Promise<PendingRecords> {
    const { paths, size: to, checkpoint: { offset: from } } = state;
    const before = this.#counted.get(paths.data);
    if (from >= to) return NOTHING;
    if (before?.from === from && before.to === to) return before;
    let end = from;
    const segment = new BufferedSegment(this.#files, paths.data, from, to - from, () => end);
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
      end = to;
      const oldest = before?.from === from ? before.oldest : await oldestPending(segment, state);
      const counted = { from, to, records, oldest };
      this.#counted.set(paths.data, counted);
      return counted;
    } finally {
      segment.close();
    }
  }

  /** Forgets segments that no longer exist. */
  keep(paths: ReadonlySet<string>): void {
    for (const path of this.#counted.keys()) if (!paths.has(path)) this.#counted.delete(path);
  }
}

/** Bytes that are read once for both: the count and the age of the first record. */
const BUFFER_BYTES = 16 * 1024;

/** A segment whose first pending bytes are read once. */
class BufferedSegment extends ReadOnlySegment {
  readonly #from: number;
  readonly #buffer: Uint8Array;
  #filled: number | null = null;

  constructor(files: FileSystem, path: string, from: number, pending: number, end: () => number) {
    super(files, path, { name: path, end });
    this.#from = from;
    this.#buffer = new Uint8Array(Math.min(BUFFER_BYTES, pending));
  }

  override async read(offset: number, into: Uint8Array): Promise<number> {
    if (offset !== this.#from) return await super.read(offset, into);
    this.#filled ??= await super.read(offset, this.#buffer);
    const start = this.#buffer.subarray(0, Math.min(this.#filled, into.length));
    into.set(start);
    return start.length;
  }
}
