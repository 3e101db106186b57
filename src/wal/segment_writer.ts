/**
 * The writing end of one segment.
 *
 * @module
 */

import type { AppendFile, FileSystem } from "../runtime/runtime.ts";
import { writeAll } from "./dead_letters.ts";
import { removeIfThere } from "./claim.ts";
import type { SegmentPaths } from "./names.ts";
import { type Owner, writeOwner } from "./owner.ts";

/** Appends records to one segment, one write call a record. */
export class SegmentWriter {
  readonly paths: SegmentPaths;
  readonly #files: FileSystem;
  readonly #file: AppendFile;
  readonly #owner: Owner;
  /** Identity of the data file, to notice when its name is gone or names another. */
  readonly #id: string | undefined;
  #size = 0;
  #records = 0;
  #synced = 0;
  #sealed = false;
  /** Whether that stands on disk. */
  #closed = false;

  private constructor(files: FileSystem, paths: SegmentPaths, owner: Owner, file: AppendFile) {
    this.#files = files;
    this.paths = paths;
    this.#owner = owner;
    this.#file = file;
    this.#id = files.stat(paths.data)?.id;
  }

  /**
   * Begins a segment. The lock and the owner file are there before the data file, so that nobody
   * ever finds records without knowing whose they are; `beforeData` runs between them and the data.
   */
  static open(
    files: FileSystem,
    paths: SegmentPaths,
    owner: Owner,
    beforeData: () => void,
  ): SegmentWriter {
    try {
      files.createExclusive(paths.lock, String(owner.pid));
      writeOwner(files, paths.owner, owner);
      beforeData();
      return new SegmentWriter(files, paths, owner, files.openAppend(paths.data));
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
   * Appends one line, its newline included. When it throws, the segment holds no part of the line;
   * a part that cannot be taken back seals the segment in front of it.
   */
  append(line: string): void {
    let length: number;
    try {
      const result = this.#file.write(line);
      length = result.length;
      if (result.written !== length) {
        writeAll(this.#file, new TextEncoder().encode(line).subarray(result.written));
      }
    } catch (error) {
      this.#takeBack();
      throw error;
    }
    this.#size += length;
    this.#records++;
  }

  /** Appends whole lines of another segment. */
  appendLines(lines: Uint8Array, records: number): void {
    try {
      writeAll(this.#file, lines);
    } catch (error) {
      this.#takeBack();
      throw error;
    }
    this.#size += lines.length;
    this.#records += records;
  }

  /** The lines from `offset` to the end, read through the open file: it may have lost its name. */
  linesFrom(offset: number): Uint8Array {
    const lines = new Uint8Array(this.#size - offset);
    let at = 0;
    while (at < lines.length) {
      const count = this.#file.read(offset + at, lines.subarray(at));
      if (count === 0) break;
      at += count;
    }
    return lines.subarray(0, at);
  }

  /** Whether the data file's name is gone or names another file: what is appended has no future. */
  isDetached(): boolean {
    return this.#files.stat(this.paths.data)?.id !== this.#id;
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

  /** Shows that the writer lives; a file that has lost its name gets no sidecars any more. */
  beat(): void {
    if (!this.#sealed && !this.isDetached()) writeOwner(this.#files, this.paths.owner, this.#owner);
  }

  /**
   * Says, on disk too, that no record will follow.
   *
   * @returns Whether the disk took it. If not, whoever drains the segment waits for the end of this
   *   process, or for another call.
   */
  seal(): boolean {
    this.#sealed = true;
    if (this.#closed) return true;
    try {
      // Also of a file that another was put in place of: that one waits for nobody then.
      if (this.#files.stat(this.paths.data) !== null) {
        writeOwner(this.#files, this.paths.owner, { ...this.#owner, closed: true });
        removeIfThere(this.#files, this.paths.lock);
      }
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
  for (const path of [paths.data, paths.owner, paths.lock]) {
    try {
      removeIfThere(files, path);
    } catch {
      // The first error says what is wrong; what is left here is cleared as an orphan later.
    }
  }
}
