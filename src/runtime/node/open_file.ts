/**
 * Open files based on `node:fs`, for all three runtimes.
 *
 * Text is encoded into a reused buffer, which is then written. According to
 * `scripts/bench/programs/write.ts`, this is the fastest way on each runtime or as fast as any: on
 * Node, writing a string is not faster and does not return the text's length; on Deno, `FsFile` is
 * not faster and has no `O_NOFOLLOW`.
 *
 * @module
 */

import { codedError } from "../coded_error.ts";
import type { AppendFile, ReadFile, WriteResult } from "../file_system.ts";
import { encodeText } from "../utf8.ts";
import { type Fs, openRegular } from "./regular_file.ts";
import { syncError } from "./sync.ts";

/** Opens or creates a regular file for appending. */
export function openAppend(fs: Fs, path: string): AppendFile {
  const { O_RDWR, O_CREAT, O_APPEND } = fs.constants;
  return new NodeAppendFile(fs, openRegular(fs, path, O_RDWR | O_CREAT | O_APPEND).fd);
}

/** Opens a regular file for reading. */
export function openRead(fs: Fs, path: string): ReadFile {
  return new NodeReadFile(fs, openRegular(fs, path, fs.constants.O_RDONLY).fd);
}

/** A file descriptor that is closed once no operation is using it. */
abstract class Descriptor {
  protected readonly fs: Fs;
  #fd: number;
  #running = 0;
  #closed = false;

  constructor(fs: Fs, fd: number) {
    this.fs = fs;
    this.#fd = fd;
  }

  size(): number {
    return this.fs.fstatSync(this.fd()).size;
  }

  close(): void {
    this.#closed = true;
    this.#release();
  }

  protected fd(): number {
    if (this.#closed) throw codedError("EBADF", "Cannot use a closed file");
    return this.#fd;
  }

  /** Runs an asynchronous operation on the descriptor, which stays open until it is done. */
  protected async run<Result>(
    begin: (fd: number, done: (error: Error | null, result: Result) => void) => void,
  ): Promise<Result> {
    const fd = this.fd();
    this.#running++;
    try {
      return await new Promise<Result>((resolve, reject) => {
        begin(fd, (error, result) => error ? reject(error) : resolve(result));
      });
    } finally {
      this.#running--;
      this.#release();
    }
  }

  /**
   * Closes the descriptor when it is unused: closed earlier, its number could be reused, and an
   * operation would affect another file.
   */
  #release(): void {
    if (!this.#closed || this.#running > 0 || this.#fd < 0) return;
    const fd = this.#fd;
    this.#fd = -1;
    this.fs.closeSync(fd);
  }
}

class NodeAppendFile extends Descriptor implements AppendFile {
  write(text: string): WriteResult {
    const { bytes, length } = encodeText(text);
    return { written: this.fs.writeSync(this.fd(), bytes, 0, length), length };
  }

  writeBytes(bytes: Uint8Array): number {
    return this.fs.writeSync(this.fd(), bytes);
  }

  truncate(size: number): void {
    this.fs.ftruncateSync(this.fd(), size);
  }

  read(offset: number, into: Uint8Array): number {
    return this.fs.readSync(this.fd(), into, 0, into.length, offset);
  }

  async dataSync(): Promise<void> {
    try {
      await this.run<void>((fd, done) => this.fs.fdatasync(fd, (error) => done(error)));
    } catch (error) {
      throw syncError(error);
    }
  }

  dataSyncNow(): void {
    const fd = this.fd();
    try {
      this.fs.fdatasyncSync(fd);
    } catch (error) {
      throw syncError(error);
    }
  }
}

class NodeReadFile extends Descriptor implements ReadFile {
  read(offset: number, into: Uint8Array): Promise<number> {
    return this.run((fd, done) => this.fs.read(fd, into, 0, into.length, offset, done));
  }

  readNow(offset: number, into: Uint8Array): number {
    return this.fs.readSync(this.fd(), into, 0, into.length, offset);
  }

  byteAt(offset: number): number | undefined {
    const into = new Uint8Array(1);
    return this.readNow(offset, into) === 1 ? into[0] : undefined;
  }
}
