/**
 * Unhandled rejections.
 *
 * @module
 */

import process from "node:process";

/** Calls `listener` for every unhandled rejection until the returned function is called. */
export function watchRejections(listener: (error: unknown) => void): () => void {
  process.on("unhandledRejection", listener);
  return () => void process.off("unhandledRejection", listener);
}
