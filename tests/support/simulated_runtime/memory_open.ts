/**
 * Open files of a simulated process.
 *
 * @module
 */

import { encodeText } from "../../../src/runtime/utf8.ts";
import type { MemoryNode } from "./memory_names.ts";
import type { FaultInjector } from "./memory_process.ts";
import { PosixError } from "./posix_error.ts";
import type { AppendFile, ReadFile, WriteResult } from "../../../src/runtime/file_system.ts";
import type { Clock } from "../../../src/runtime/runtime.ts";

/** The part of a process that an open file uses. */
export interface MemoryHandleContext {
  readonly faults: FaultInjector;
  readonly clock: Clock;
  /** Absolute. */
  readonly path: string;
  readonly node: MemoryNode;
}

/** Appends to a node with one write, which a fault may shorten or fail. */
export function appendTo(context: MemoryHandleContext, bytes: Uint8Array): number {
  const { faults, clock, path, node } = context;
  const fault = faults.enter("write", path, bytes.length);
  const limit = !fault ? bytes.length : "short" in fault ? fault.short : fault.written ?? 0;
  const taken = bytes.subarray(0, Math.max(0, limit));
  if (taken.length > 0) {
    node.content.append(taken);
    node.modified = clock.now();
  }
  if (fault && "code" in fault) throw new PosixError(fault.code, "write", path);
  return taken.length;
}

abstract class MemoryHandle {
  protected readonly context: MemoryHandleContext;
  #closed = false;

  constructor(context: MemoryHandleContext) {
    this.context = context;
  }

  size(): number {
    this.open("stat");
    this.context.faults.enter("stat", this.context.path);
    return this.context.node.content.size;
  }

  close(): void {
    this.#closed = true;
  }

  protected open(operation: string): void {
    const { faults, path } = this.context;
    faults.check(operation, path);
    if (this.#closed) throw new PosixError("EBADF", operation, path);
  }

  readNow(offset: number, into: Uint8Array): number {
    this.open("read");
    this.context.faults.enter("read", this.context.path);
    return this.context.node.content.read(offset, into);
  }
}

/** A file open for appending. */
export class MemoryAppendFile extends MemoryHandle implements AppendFile {
  write(text: string): WriteResult {
    this.open("write");
    const { bytes, length } = encodeText(text);
    return { written: appendTo(this.context, bytes.subarray(0, length)), length };
  }

  writeBytes(bytes: Uint8Array): number {
    this.open("write");
    return appendTo(this.context, bytes);
  }

  truncate(size: number): void {
    this.open("truncate");
    const { faults, clock, path, node } = this.context;
    faults.enter("truncate", path);
    node.content.truncate(size);
    node.modified = clock.now();
  }

  read(offset: number, into: Uint8Array): number {
    return this.readNow(offset, into);
  }

  // deno-lint-ignore require-await -- a failure to begin must be a rejection
  async dataSync(): Promise<void> {
    const finish = this.#beginSync();
    return this.context.faults.later(finish);
  }

  dataSyncNow(): void {
    this.#beginSync()();
  }

  #beginSync(): () => void {
    this.open("sync");
    const { faults, path, node: { content } } = this.context;
    const fault = faults.enter("sync", path);
    const mark = content.mark();
    return () => {
      if (!fault || "short" in fault) return content.sync(mark);
      // If syncing is not supported, nothing was attempted.
      if (fault.code !== "ENOTSUP") content.forget(mark);
      throw new PosixError(fault.code, "sync", path);
    };
  }
}

/** A file open for reading. */
export class MemoryReadFile extends MemoryHandle implements ReadFile {
  // deno-lint-ignore require-await -- a failure to begin must be a rejection
  async read(offset: number, into: Uint8Array): Promise<number> {
    this.open("read");
    const { faults, path, node } = this.context;
    faults.enter("read", path);
    return faults.later(() => node.content.read(offset, into));
  }

  byteAt(offset: number): number | undefined {
    const into = new Uint8Array(1);
    return this.readNow(offset, into) === 1 ? into[0] : undefined;
  }
}
