/**
 * Injects faults into the operations of a simulated process, and ends them with the process.
 *
 * @module
 */

import { PosixError } from "./posix_error.ts";

/** Operations that can be made to fail. */
export type MemoryOperationKind =
  | "write"
  | "sync"
  | "open"
  | "rename"
  | "remove"
  | "list"
  | "read"
  | "stat"
  | "mkdir"
  | "create"
  | "truncate"
  | "replace"
  | "syncDirectory";

/** One operation that is about to happen. */
export interface MemoryOperation {
  readonly kind: MemoryOperationKind;
  /** Absolute; the old one of a rename, of an open file the one it was opened by. */
  readonly path: string;
  /** Number of earlier operations of this process. */
  readonly index: number;
  /** Bytes to be written, for `write`, `create` and `replace`. */
  readonly bytes?: number;
}

/**
 * A fault: an error with a POSIX `code`, for a write after `written` bytes were accepted; or a write
 * that accepts no more than `short` bytes.
 */
export type MemoryFault = { code: string; written?: number } | { short: number };

/** Called before each operation; may kill the process, crash the disk, or answer with a fault. */
export type MemoryFaultHook = (operation: MemoryOperation) => MemoryFault | undefined;

/** Runs the completion of something asynchronous at a time of its choice. */
export type Schedule = (run: () => void) => void;

/** Intercepts the operations of a process. */
export class FaultInjector {
  /** Chooses what fails. */
  fault: MemoryFaultHook | undefined;
  readonly #schedule: Schedule;
  #count = 0;
  #dead = false;

  constructor(fault: MemoryFaultHook | undefined, schedule: Schedule) {
    this.fault = fault;
    this.#schedule = schedule;
  }

  /** Whether the process has ended. */
  get dead(): boolean {
    return this.#dead;
  }

  /** Ends the process. */
  close(): void {
    this.#dead = true;
  }

  /** Throws when the process has ended. */
  check(operation: string, path: string): void {
    if (this.#dead) throw new PosixError("ESIMKILLED", operation, path);
  }

  /** Lets an operation begin, or throws its fault. Returns the fault of a write or a sync. */
  enter(kind: MemoryOperationKind, path: string, bytes?: number): MemoryFault | undefined {
    this.check(kind, path);
    const fault = this.fault?.({
      kind,
      path,
      index: this.#count++,
      ...(bytes === undefined ? {} : { bytes }),
    });
    this.check(kind, path);
    if (fault && "code" in fault && kind !== "write" && kind !== "sync") {
      throw new PosixError(fault.code, kind, path);
    }
    return fault;
  }

  /**
   * Completes something asynchronous when the schedule says so. In a process that has ended by
   * then, it never settles.
   */
  later<Result>(work: () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#schedule(() => {
        if (this.#dead) return;
        try {
          resolve(work());
        } catch (error) {
          reject(error);
        }
      });
    });
  }
}
