/**
 * What `weave-wal status` advises.
 *
 * @module
 */

/** One thing that somebody should know. */
export interface Advice {
  readonly level: "info" | "warn" | "error";
  /** Stable name, for programs. */
  readonly name: string;
  /** `entity/project`; absent where it is about a sender. */
  readonly project?: string;
  readonly message: string;
  /** A command that helps, where one does. */
  readonly command?: string;
}
