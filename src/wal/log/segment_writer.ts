/**
 * Writes one segment.
 *
 * @module
 */

import type { AppendFile, FileSystem } from "../../runtime/file_system.ts";
import { writeAll } from "../dead_letters/dead_letter_file.ts";
import { isFenced } from "../leases/fence.ts";
import type { Presence } from "../processes/presence.ts";
import { removeIfExists } from "../remove_file.ts";
import type { SegmentPaths } from "../segment/segment_name.ts";

/** Complete lines of a segment, to copy into another one. */
export interface CopiedLines {
  readonly lines: Uint8Array;
  readonly records: number;
}

/** Appends records to one segment, with one write call per append. */
export class SegmentWriter {
  readonly paths: SegmentPaths;
  readonly #files: FileSystem;
  readonly #file: AppendFile;
  readonly #presence: Presence;
  /**
   * Identity of the data file, to detect that it was removed or replaced; `undefined` if it was
   * removed right after it was created.
   */
  readonly id: string | undefined;
  #size = 0;
  #records = 0;
  #synced = 0;
  #sealed = false;
  /** Value of `lapses` at the last successful verification. */
  #lapses: number;
  /** Whether the lock file is removed, which tells other processes that the segment is final. */
  #closed = false;

  private constructor(files: FileSystem, paths: SegmentPaths, presence: Presence) {
    this.#files = files;
    this.paths = paths;
    this.#presence = presence;
    this.#lapses = presence.lapses;
    this.#file = files.openAppend(paths.data);
    this.id = files.stat(paths.data)?.id;
  }

  /**
   * Creates a segment. The presence file and the lock file exist before the data file, so that
   * other processes never find records without an owner.
   *
   * @param marker Which calls and spans recovery must end; `null` for none.
   */
  static open(
    files: FileSystem,
    paths: SegmentPaths,
    presence: Presence,
    pid: number,
    marker: string | null,
  ): SegmentWriter {
    try {
      presence.ensure();
      files.createExclusive(paths.lock, String(pid));
      if (marker !== null) files.createExclusive(paths.open, marker);
      return new SegmentWriter(files, paths, presence);
    } catch (error) {
      removeAll(files, paths);
      throw error;
    }
  }

  /** Bytes of complete records. */
  get size(): number {
    return this.#size;
  }

  /** Number of records appended. */
  get records(): number {
    return this.#records;
  }

  /** Bytes known to be on stable storage. */
  get synced(): number {
    return this.#synced;
  }

  /** Whether the segment is final. */
  get sealed(): boolean {
    return this.#sealed;
  }

  /**
   * Appends complete lines, including their newlines, with one write call. If it throws, the
   * segment contains no part of them; if a partial write cannot be undone, the segment is sealed
   * before it.
   */
  append(lines: string, records = 1): void {
    let length: number;
    try {
      const result = this.#file.write(lines);
      length = result.length;
      if (result.written !== length) {
        writeAll(this.#file, new TextEncoder().encode(lines).subarray(result.written));
      }
    } catch (error) {
      this.#takeBack();
      throw error;
    }
    this.#size += length;
    this.#records += records;
  }

  /** Appends complete lines of another segment. */
  appendLines({ lines, records }: CopiedLines): void {
    try {
      writeAll(this.#file, lines);
    } catch (error) {
      this.#takeBack();
      throw error;
    }
    this.#size += lines.length;
    this.#records += records;
  }

  /**
   * Returns the lines from `offset` to `end`, read through the open file, which may have been
   * deleted.
   */
  linesFrom(offset: number, end: number = this.#size): CopiedLines {
    const lines = new Uint8Array(Math.max(0, end - offset));
    let at = 0;
    while (at < lines.length) {
      const count = this.#file.read(offset + at, lines.subarray(at));
      if (count === 0) break;
      at += count;
    }
    let records = 0;
    for (let n = lines.indexOf(10); n !== -1 && n < at; n = lines.indexOf(10, n + 1)) records++;
    return { lines: lines.subarray(0, at), records };
  }

  /**
   * Returns whether the data file was removed or replaced: other processes cannot find what is
   * appended to it.
   */
  isDetached(): boolean {
    return this.id === undefined || this.#files.stat(this.paths.data)?.id !== this.id;
  }

  /** Records that everything before `offset` is on stable storage. */
  markSynced(offset: number): void {
    this.#synced = Math.max(this.#synced, offset);
  }

  /** Syncs the records, off the event loop. */
  dataSync(): Promise<void> {
    return this.#file.dataSync();
  }

  /** Syncs the records before it returns. */
  dataSyncNow(): void {
    this.#file.dataSyncNow();
    this.#synced = this.#size;
  }

  /**
   * Returns whether this process still owns the segment, so that everything appended so far will be
   * delivered.
   *
   * Reads the disk only if the last heartbeat is so old that another process may have presumed this
   * one dead: it was suspended, or its event loop was blocked.
   */
  isOwn(): boolean {
    if (this.#presence.isFresh && this.#presence.lapses === this.#lapses) return true;
    this.#presence.tryHeartbeat();
    try {
      return this.verify();
    } catch {
      return false;
    }
  }

  /**
   * Checks on disk that the file is in place and that no other process presumed this one dead. The
   * order matters: a fence is created before the data is removed.
   */
  verify(): boolean {
    const { lapses } = this.#presence;
    if (isFenced(this.#files, this.paths) || this.isDetached()) return false;
    this.#lapses = lapses;
    return true;
  }

  /**
   * Truncates the last `bytes` of a file that was deleted, and that only this process reads. They
   * are written to another segment.
   */
  truncateTail(bytes: number, records = 1): void {
    try {
      this.#file.truncate(this.#size - bytes);
      this.#size -= bytes;
      this.#records -= records;
    } catch {
      // The records are sent twice then.
    }
  }

  /**
   * Marks the segment as final, in memory and on disk.
   *
   * @returns Whether the write succeeded. If not, the process that drains the segment waits until
   * this process ends or calls this again.
   */
  seal(): boolean {
    this.#sealed = true;
    if (this.#closed) return true;
    try {
      removeIfExists(this.#files, this.paths.lock);
      return this.#closed = true;
    } catch {
      return false;
    }
  }

  close(): void {
    this.#file.close();
  }

  /** Removes an empty segment whose creation failed. */
  discard(): void {
    this.#sealed = true;
    this.close();
    removeAll(this.#files, this.paths);
  }

  #takeBack(): void {
    try {
      if (this.#file.size() !== this.#size) this.#file.truncate(this.#size);
    } catch {
      this.seal();
    }
  }
}

function removeAll(files: FileSystem, paths: SegmentPaths): void {
  for (const path of [paths.data, paths.open, paths.lock]) {
    try {
      removeIfExists(files, path);
    } catch {
      // The first error is the cause; remaining files are removed later, as orphans.
    }
  }
}
