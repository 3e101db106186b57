/**
 * The writing end of one segment.
 *
 * @module
 */

import type { AppendFile, Clock, FileSystem, Runtime } from "../../runtime/runtime.ts";
import { writeAll } from "../dead_letters/dead_letter_file.ts";
import { removeIfThere } from "../ownership/lease.ts";
import { LEASE_MS } from "../ownership/failure_detector.ts";
import type { SegmentPaths } from "../segment/segment_name.ts";
import { type Owner, writeOwner } from "../ownership/owner_file.ts";
import { hasSeal } from "../ownership/fence.ts";

/** Appends records to one segment, one write call a record. */
export class SegmentWriter {
  readonly paths: SegmentPaths;
  readonly #files: FileSystem;
  readonly #clock: Clock;
  readonly #file: AppendFile;
  readonly #owner: Owner;
  /**
   * Identity of the data file, to notice when its name is gone or names another; `undefined` when it
   * was gone at once.
   */
  readonly #id: string | undefined;
  #size = 0;
  #records = 0;
  #synced = 0;
  #sealed = false;
  /** Whether that stands on disk. */
  #closed = false;
  /** When the last heartbeat began that found the segment to be its own, on the monotonic clock. */
  #ownAt: number;

  private constructor(
    { files, clock }: Pick<Runtime, "files" | "clock">,
    paths: SegmentPaths,
    owner: Owner,
    begun: number,
  ) {
    this.#files = files;
    this.#clock = clock;
    this.paths = paths;
    this.#owner = owner;
    this.#ownAt = begun;
    this.#file = files.openAppend(paths.data);
    this.#id = files.stat(paths.data)?.id;
  }

  /**
   * Begins a segment. The lock and the owner file are there before the data file, so that nobody
   * ever finds records without knowing whose they are; `beforeData` runs between them and the data.
   */
  static open(
    runtime: Pick<Runtime, "files" | "clock">,
    paths: SegmentPaths,
    owner: Owner,
    beforeData: () => void,
  ): SegmentWriter {
    const { files, clock } = runtime;
    try {
      const begun = clock.monotonic();
      files.createExclusive(paths.lock, String(owner.pid));
      writeOwner(files, paths.owner, owner);
      beforeData();
      return new SegmentWriter(runtime, paths, owner, begun);
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
   * Shows that the writer lives; a file that has lost its name gets no sidecars any more.
   *
   * @returns Whether the segment is still its own: its name is in place, and nobody took it for gone.
   */
  beat(): boolean {
    const at = this.#clock.monotonic();
    if (this.#sealed || this.isDetached()) return false;
    writeOwner(this.#files, this.paths.owner, this.#owner);
    if (!this.#isInPlace()) return false;
    this.#ownAt = at;
    return true;
  }

  /**
   * Whether all that was appended so far is in the segment's end, whoever sees to that. Looks at the
   * disk only when the writer has shown no life for so long that somebody could take it for gone: it
   * was stopped, or its program has not let a timer run.
   */
  isOwn(): boolean {
    if (this.#clock.monotonic() - this.#ownAt <= LEASE_MS) return true;
    try {
      return this.beat();
    } catch {
      // A disk that takes no heartbeat may still say who has the segment.
    }
    try {
      return this.#isInPlace();
    } catch {
      return false;
    }
  }

  /** In this order: who sealed it removes the data first. */
  #isInPlace(): boolean {
    return !hasSeal(this.#files, this.paths) && !this.isDetached();
  }

  /**
   * Takes the last `bytes` back from a file that has lost its name, where only this process reads
   * them: they are written elsewhere.
   */
  takeBackDetached(bytes: number): void {
    try {
      this.#file.truncate(this.#size - bytes);
      this.#size -= bytes;
      this.#records--;
    } catch {
      // Sent twice, then.
    }
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
