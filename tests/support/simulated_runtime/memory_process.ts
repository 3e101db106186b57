/**
 * What a simulated process passes through at every operation: its life, and the faults chosen for
 * it.
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
  /** How many operations this process did before. */
  readonly index: number;
  /** Bytes to be written, for `write`, `create` and `replace`. */
  readonly bytes?: number;
}

/**
 * What goes wrong: an error with a POSIX `code`, in a write after `written` bytes were taken; or a
 * write that takes no more than `short` bytes.
 */
export type MemoryFault = { code: string; written?: number } | { short: number };

/** Called before each operation; may kill the process, crash the disk, or answer with a fault. */
export type MemoryFaultHook = (operation: MemoryOperation) => MemoryFault | undefined;

/** Runs the completion of something asynchronous at a time of its choice. */
export type Schedule = (run: () => void) => void;

/** One process's way to its operations. */
export class MemoryGate {
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

  /** Lets an operation begin, or throws its fault; the answer is what a write must heed. */
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
