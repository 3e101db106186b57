/**
 * A file open for appending over `node:fs`.
 *
 * All three hosts share it. By `scripts/bench/write.ts` encoding into a reused buffer and writing
 * that is the fastest way or level with it on each of them: on Node a string write is no faster and
 * does not tell the text's length, on Deno its own `FsFile` is no faster and has no `O_NOFOLLOW`.
 *
 * @module
 */

import { builtin } from "../builtin_modules.ts";
import { syncError } from "./sync_error.ts";
import { openRegular } from "./open_regular.ts";
import { encodeText } from "../utf8.ts";
import type { AppendFile, WriteResult } from "../runtime.ts";

/** Opens (or makes) a regular file for appending. */
export function openNodeAppend(path: string): AppendFile {
  const fs = builtin("node:fs");
  const { O_RDWR, O_CREAT, O_APPEND } = fs.constants;
  return new NodeAppendFile(fs, openRegular(fs, path, { flags: O_RDWR | O_CREAT | O_APPEND }).fd);
}

class NodeAppendFile implements AppendFile {
  readonly #fs: typeof import("node:fs");
  #fd: number;
  #syncing = 0;
  #closed = false;

  constructor(fs: typeof import("node:fs"), fd: number) {
    this.#fs = fs;
    this.#fd = fd;
  }

  write(text: string): WriteResult {
    const { bytes, length } = encodeText(text);
    return { written: this.#fs.writeSync(this.#open(), bytes, 0, length), length };
  }

  writeBytes(bytes: Uint8Array): number {
    return this.#fs.writeSync(this.#open(), bytes);
  }

  size(): number {
    return this.#fs.fstatSync(this.#open()).size;
  }

  truncate(size: number): void {
    this.#fs.ftruncateSync(this.#open(), size);
  }

  read(offset: number, into: Uint8Array): number {
    return this.#fs.readSync(this.#open(), into, 0, into.length, offset);
  }

  async dataSync(): Promise<void> {
    const fd = this.#open();
    this.#syncing++;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#fs.fdatasync(fd, (error) => error ? reject(error) : resolve());
      });
    } catch (error) {
      throw syncError(error);
    } finally {
      this.#syncing--;
      this.#release();
    }
  }

  dataSyncNow(): void {
    const fd = this.#open();
    try {
      this.#fs.fdatasyncSync(fd);
    } catch (error) {
      throw syncError(error);
    }
  }

  close(): void {
    this.#closed = true;
    this.#release();
  }

  #open(): number {
    if (this.#closed) {
      throw Object.assign(new Error("Cannot use a closed file"), { code: "EBADF" });
    }
    return this.#fd;
  }

  /** A descriptor closed under a running sync could be reused, and the sync would hit another file. */
  #release(): void {
    if (!this.#closed || this.#syncing > 0 || this.#fd < 0) return;
    const fd = this.#fd;
    this.#fd = -1;
    this.#fs.closeSync(fd);
  }
}
