/**
 * The file beside a segment that records which calls are open after it.
 *
 * A writer whose interrupted calls are to be closed creates `<stem>.open` with each segment. The
 * process that removes a delivered segment writes the calls that are still open into it. The file
 * then outlives the segment, until the writer has ended and those calls are closed. A segment
 * without this file breaks the chain: no call that began before its end is closed.
 *
 * @module
 */

import type { FileSystem } from "../../runtime/file_system.ts";
import { OpenCalls } from "./open_calls.ts";

/** Maximum bytes of the file to read: more than 100,000 calls. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Contents of the file while its segment is being written: close calls and spans, or only spans.
 * Calls that began earlier are in earlier files.
 */
export const NOTHING_CARRIED = "";
export const ONLY_SPANS = "spans\n";

/** Contents of the file. */
export interface OpenCallsFile {
  /** The calls open after its segment; `null` before that is known. */
  readonly carried: OpenCalls | null;
  /** Also closes interrupted calls, not only spans. */
  readonly withCalls: boolean;
}

/**
 * Reads the file; returns `null` if it does not exist or is corrupt. Throws other file system
 * errors.
 */
export function readOpenCalls(files: FileSystem, path: string): OpenCallsFile | null {
  if (files.stat(path) === null) return null;
  const text = files.readText(path, { maxBytes: MAX_BYTES });
  if (text === NOTHING_CARRIED) return { carried: null, withCalls: true };
  if (text === ONLY_SPANS) return { carried: null, withCalls: false };
  try {
    const carried = OpenCalls.read(text);
    return { carried, withCalls: carried.withCalls };
  } catch {
    return null;
  }
}

/** Writes the calls that are open after a segment. Throws the file system error. */
export function writeOpenCalls(files: FileSystem, path: string, open: OpenCalls): void {
  files.replace(path, open.toLines());
}
