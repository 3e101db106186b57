/**
 * Dead letters: records that the server rejected or that cannot be read. They are kept beside the
 * log.
 *
 * `<stem>.deadletter` is JSONL, one entry per record: the record's own `type` and `req`, and an
 * `error` with reason, status, message, time, and the record's offset in its segment. Bytes that
 * are not a record are copied to `<stem>.quarantine` and the entry records their position. The
 * library never deletes either file.
 *
 * @module
 */

import type { AppendFile, FileSystem } from "../../runtime/file_system.ts";
import type { Clock } from "../../runtime/runtime.ts";
import { hasCode } from "../../errors.ts";
import type { DeadLetter } from "../segment/segment.ts";
import type { SegmentPaths } from "../segment/segment_name.ts";
import { deadLetterEntry, deadLetterError } from "./dead_letter_entry.ts";

const COPY_BYTES = 1 << 20;

/** The dead letters of one segment, open for appending. */
export class DeadLetterFile {
  readonly #files: FileSystem;
  readonly #clock: Clock;
  readonly #paths: SegmentPaths;
  readonly #directory: string;
  readonly #server: string | undefined;
  /** Whether an earlier append failed. */
  #unsure = false;

  /**
   * @param directory The directory of the segment; synced when a file is created in it.
   * @param paths The segment's paths.
   * @param server Base URL of the server that rejects the records, if nothing else names it.
   */
  constructor(
    files: FileSystem,
    clock: Clock,
    directory: string,
    paths: SegmentPaths,
    server?: string,
  ) {
    this.#files = files;
    this.#clock = clock;
    this.#directory = directory;
    this.#paths = paths;
    this.#server = server;
  }

  /** Returns the offsets at or after `from` of the lines that have an entry in this file. */
  offsets(from: number): Set<number> {
    const offsets = new Set<number>();
    let text = "";
    try {
      text = this.#files.readText(this.#paths.deadLetters, { maxBytes: Infinity });
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
    }
    for (const line of text.split("\n")) {
      const offset = entryOffset(line);
      if (offset !== undefined && offset >= from) offsets.add(offset);
    }
    return offsets;
  }

  /** Syncs the file, because its writer may have died before it did. */
  async confirm(): Promise<void> {
    const file = this.#files.openAppend(this.#paths.deadLetters);
    try {
      await file.dataSync();
    } finally {
      file.close();
    }
    await this.#files.syncDirectory(this.#directory);
  }

  /**
   * Appends entries and syncs the file.
   *
   * @param readSource Reads the segment, for lines that are not in memory.
   */
  async append(
    deadLetters: readonly DeadLetter[],
    readSource: (offset: number, into: Uint8Array) => Promise<number>,
  ): Promise<void> {
    const entries: string[] = [];
    for (const deadLetter of deadLetters) entries.push(await this.#entry(deadLetter, readSource));
    const file = this.#files.openAppend(this.#paths.deadLetters);
    // After a failed sync, the last line may turn into zeros: start a new line.
    const begin = this.#unsure ? "\n" : "";
    this.#unsure = true;
    try {
      endTornLine(file);
      writeWhole(file, encoder.encode(begin + entries.join("")));
      await file.dataSync();
      this.#unsure = false;
    } finally {
      file.close();
    }
    await this.#files.syncDirectory(this.#directory);
  }

  async #entry(
    deadLetter: DeadLetter,
    readSource: (offset: number, into: Uint8Array) => Promise<number>,
  ): Promise<string> {
    const error = {
      ...deadLetterError(deadLetter, this.#clock.now()),
      ...(this.#server === undefined ? {} : { server: this.#server }),
    };
    const entry = deadLetterEntry(deadLetter, error);
    if (entry !== null) return entry;
    const at = await this.#quarantine(deadLetter, readSource);
    return `${JSON.stringify({ type: "unreadable", error, quarantine: at })}\n`;
  }

  async #quarantine(
    deadLetter: DeadLetter,
    readSource: (offset: number, into: Uint8Array) => Promise<number>,
  ): Promise<{ offset: number; length: number }> {
    const file = this.#files.openAppend(this.#paths.quarantine);
    try {
      const offset = file.size();
      if (deadLetter.line) {
        writeWhole(file, deadLetter.line);
      } else {
        const buffer = new Uint8Array(Math.min(COPY_BYTES, deadLetter.length));
        for (let done = 0; done < deadLetter.length;) {
          const want = buffer.subarray(0, Math.min(buffer.length, deadLetter.length - done));
          const count = await readSource(deadLetter.offset + done, want);
          if (count === 0) break;
          writeAll(file, buffer.subarray(0, count));
          done += count;
        }
      }
      await file.dataSync();
      return { offset, length: file.size() - offset };
    } finally {
      file.close();
    }
  }
}

const encoder = new TextEncoder();

function entryOffset(line: string): number | undefined {
  if (line === "") return undefined;
  try {
    const offset = (JSON.parse(line) as { error?: { offset?: unknown } }).error?.offset;
    return typeof offset === "number" ? offset : undefined;
  } catch {
    return undefined; // A line torn by a crash; its record is still in the log.
  }
}

/** Ends a line that a crash cut off, so that the next entry starts on a line of its own. */
export function endTornLine(file: AppendFile): void {
  const size = file.size();
  if (size === 0) return;
  const last = new Uint8Array(1);
  file.read(size - 1, last);
  if (last[0] !== 10) writeAll(file, encoder.encode("\n"));
}

/** Appends all of `bytes`, or none on an error: a partial entry would never be removed. */
function writeWhole(file: AppendFile, bytes: Uint8Array): void {
  const size = file.size();
  try {
    writeAll(file, bytes);
  } catch (error) {
    try {
      file.truncate(size);
    } catch {
      // The next append ends the line.
    }
    throw error;
  }
}

/** Appends all of `bytes`, with as many write calls as it takes. */
export function writeAll(file: AppendFile, bytes: Uint8Array): void {
  let rest = bytes;
  while (rest.length > 0) {
    const written = file.writeBytes(rest);
    if (written <= 0) throw Object.assign(new Error("Write accepted no bytes"), { code: "EIO" });
    rest = rest.subarray(written);
  }
}
