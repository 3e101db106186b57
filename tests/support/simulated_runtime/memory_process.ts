/**
 * Injects faults into the operations of a simulated process, and stops them when it ends.
 *
 * @module
 */

import { PosixError } from "./posix_error.ts";

/** Operations that can fail. */
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

/** An operation about to happen. */
export interface MemoryOperation {
  readonly kind: MemoryOperationKind;
  /** Absolute; for a rename the old path, for an open file the path at which it was opened. */
  readonly path: string;
  /** Number of earlier operations of this process. */
  readonly index: number;
  /** Bytes to be written, for `write`, `create` and `replace`. */
  readonly bytes?: number;
}

/**
 * A fault: an error with a POSIX `code`, for a write after `written` bytes; or a write of
 * at most `short` bytes.
 */
export type MemoryFault = { code: string; written?: number } | { short: number };

/** Called before each operation; may kill the process, crash the disk, or return a fault. */
export type MemoryFaultHook = (operation: MemoryOperation) => MemoryFault | undefined;

/** Runs the completion of an asynchronous operation at a time of its choice. */
export type Schedule = (run: () => void) => void;

/** Intercepts the operations of a process. */
export class FaultInjector {
  /** Makes operations fail. */
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

  /** Throws if the process has ended. */
  check(operation: string, path: string): void {
    if (this.#dead) throw new PosixError("ESIMKILLED", operation, path);
  }

  /** Starts an operation, or throws its fault. Returns the fault of a write or a sync. */
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
   * Completes an asynchronous operation when scheduled. If the process has ended by then,
   * it never settles.
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
