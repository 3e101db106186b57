/**
 * Rejections that nobody handles.
 *
 * @module
 */

import process from "node:process";

/** Calls `listener` for every rejection that nobody handles, until the returned function is called. */
export function watchRejections(listener: (error: unknown) => void): () => void {
  process.on("unhandledRejection", listener);
  return () => void process.off("unhandledRejection", listener);
}
