/**
 * Types of the advice of `weave-wal status`.
 *
 * @module
 */

/** One problem and the action to take. */
export interface Advice {
  readonly level: "info" | "warn" | "error";
  /** Stable name, for programs. */
  readonly name: string;
  /** `entity/project`; absent if it is about a sender. */
  readonly project?: string;
  readonly message: string;
  /** A command that helps, if there is one. */
  readonly command?: string;
}
