/**
 * Environment of an adapter under the contract, and helpers.
 *
 * @module
 */

import type { Runtime } from "../../../src/runtime/runtime.ts";

/** An adapter with a place to work in, and what its interface cannot do. */
export interface ContractFixture {
  readonly runtime: Runtime;
  /** An empty directory that exists. */
  readonly directory: string;
  symlink(target: string, path: string): void;
  /** Makes a FIFO, whose other end nobody opens. */
  fifo(path: string): void;
  /** Permission bits. */
  mode(path: string): number;
  /** Lets new files have every permission bit they ask for; returns the way back. */
  loosenUmask(): () => void;
  /** The id of a process that has ended. */
  deadProcess(): Promise<number>;
  /** Sets a variable in the adapter's environment; returns the way back. */
  setEnv(name: string, value: string): () => void;
  dispose(): void;
}

/** Registers one test of the contract; `needs` names what some hosts do not have. */
export type Contract = (
  what: string,
  body: (fixture: ContractFixture) => void | Promise<void>,
  needs?: "POSIX files",
) => void;

/** Recognizes an error by its POSIX code, for `assert.throws`. */
export function failsWith(code: string): (error: unknown) => boolean {
  return (error) => error instanceof Error && (error as { code?: unknown }).code === code;
}
