/**
 * The writing end of one segment.
 *
 * @module
 */

import type { AppendFile, FileSystem } from "../../runtime/runtime.ts";
import { writeAll } from "../dead_letters/dead_letter_file.ts";
import { isFenced } from "../ownership/fence.ts";
import type { Presence } from "../ownership/presence.ts";
import { removeIfExists } from "../remove_file.ts";
import type { SegmentPaths } from "../segment/segment_name.ts";

/** Whole lines of a segment, to be written into another one. */
export interface CopiedLines {
  readonly lines: Uint8Array;
  readonly records: number;
}

/** Appends records to one segment, one write call for each append. */
export class SegmentWriter {
  readonly paths: SegmentPaths;
  readonly #files: FileSystem;
  readonly #file: AppendFile;
  readonly #presence: Presence;
  /**
   * Identity of the data file, to notice when its name is removed or names another; `undefined` when
   * it was removed at once.
   */
  readonly #id: string | undefined;
  #size = 0;
  #records = 0;
  #synced = 0;
  #sealed = false;
  /** Lapses of the heartbeat after which the segment was seen to be in place. */
  #lapses: number;
  /** Whether the lock is removed, which tells others that no record will follow. */
  #closed = false;

  private constructor(files: FileSystem, paths: SegmentPaths, presence: Presence) {
    this.#files = files;
    this.paths = paths;
    this.#presence = presence;
    this.#lapses = presence.lapses;
    this.#file = files.openAppend(paths.data);
    this.#id = files.stat(paths.data)?.id;
  }

  /**
   * Begins a segment. The presence file and the lock exist before the data file, so that nobody ever
   * finds records without knowing whose they are.
   *
   * @param marker Says which calls and spans are to be closed that are cut off; `null` for none.
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

  /** Bytes of whole records. */
  get size(): number {
    return this.#size;
  }

  /** Records appended. */
  get records(): number {
    return this.#records;
  }

  /** Bytes known to be on stable storage. */
  get synced(): number {
    return this.#synced;
  }

  /** Whether no record will follow. */
  get sealed(): boolean {
    return this.#sealed;
  }

  /**
   * Appends whole lines, their newlines included, with one write call. When it throws, the segment
   * holds no part of them; a part that cannot be taken back seals the segment before it.
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

  /** Appends whole lines of another segment. */
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

  /** The lines from `offset` to `end`, read through the open file: it may have lost its name. */
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

  /** Whether the data file was removed or replaced: what is appended to it is not found by others. */
  isDetached(): boolean {
    return this.#id === undefined || this.#files.stat(this.paths.data)?.id !== this.#id;
  }

  /** Everything before `offset` is on stable storage. */
  markSynced(offset: number): void {
    this.#synced = Math.max(this.#synced, offset);
  }

  /** Forces the records to stable storage, off the event loop. */
  dataSync(): Promise<void> {
    return this.#file.dataSync();
  }

  /** Forces the records to stable storage before it returns. */
  dataSyncNow(): void {
    this.#file.dataSyncNow();
    this.#synced = this.#size;
  }

  /**
   * Whether all that was appended so far will be delivered, by whichever process. Looks at the disk
   * only if this process has sent no heartbeat for so long that another one may have presumed it
   * dead: it was suspended, or its program has not let a timer run.
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
   * Looks at the disk: whether the name is in place, and no other process presumed this one dead. In
   * this order: a fence exists before the data is removed.
   */
  verify(): boolean {
    const { lapses } = this.#presence;
    if (isFenced(this.#files, this.paths) || this.isDetached()) return false;
    this.#lapses = lapses;
    return true;
  }

  /**
   * Takes the last `bytes` back from a file that has lost its name, where only this process reads
   * them: they are written elsewhere.
   */
  truncateTail(bytes: number, records = 1): void {
    try {
      this.#file.truncate(this.#size - bytes);
      this.#size -= bytes;
      this.#records -= records;
    } catch {
      // Sent twice, then.
    }
  }

  /**
   * Says, on disk too, that no record will follow.
   *
   * @returns Whether the disk took it. If not, the process that drains the segment waits for the end
   * of this   process, or for another call.
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

  /** Closes the file. */
  close(): void {
    this.#file.close();
  }

  /** Takes a segment without records back: it could not be begun. */
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
      // The first error says what is wrong; what is left here is cleared as an orphan later.
    }
  }
}
