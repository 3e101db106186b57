/**
 * Environment and helpers for testing an adapter against the contract.
 *
 * @module
 */

import type { Runtime } from "../../../src/runtime/runtime.ts";

/** An adapter, a working directory, and operations that its interface lacks. */
export interface ContractFixture {
  readonly runtime: Runtime;
  /** An existing empty directory. */
  readonly directory: string;
  symlink(target: string, path: string): void;
  /** Creates a FIFO whose other end stays closed. */
  fifo(path: string): void;
  /** Permission bits. */
  mode(path: string): number;
  /**
   * Lets new files have all requested permission bits; returns a function that restores
   * the umask.
   */
  loosenUmask(): () => void;
  /** The PID of a process that has exited. */
  deadProcess(): Promise<number>;
  /** Sets a variable in the adapter's environment; returns a function that restores it. */
  setEnv(name: string, value: string): () => void;
  dispose(): void;
}

/** Registers one test of the contract; `needs` lists features that some hosts lack. */
export type Contract = (
  what: string,
  body: (fixture: ContractFixture) => void | Promise<void>,
  needs?: "POSIX files",
) => void;

/** Matches an error by its POSIX code, for `assert.throws`. */
export function failsWith(code: string): (error: unknown) => boolean {
  return (error) => error instanceof Error && (error as { code?: unknown }).code === code;
}
