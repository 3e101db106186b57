/**
 * The file beside a segment that says which calls were open before or behind it.
 *
 * A writer whose interrupted calls are to be closed makes `<stem>.open` with each segment. The process
 * that removes a delivered segment writes the calls into it that are still open behind the segment;
 * the file then outlives the segment, until the writer has ended and those calls are closed. A
 * segment without this file breaks the chain: nothing that began before its end is closed.
 *
 * @module
 */

import type { FileSystem } from "../../runtime/runtime.ts";
import { OpenCalls } from "./open_calls.ts";

/** Bytes of such a file that are read at most: 100,000 calls and more. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Contents of the file while its segment is written: calls and spans, or only spans, are to be closed,
 * and those before it are in earlier files.
 */
export const NOTHING_CARRIED = "";
export const ONLY_SPANS = "spans\n";

/** Contents of such a file. */
export interface OpenCallsFile {
  /** The calls open behind its segment; `null` before that is known. */
  readonly carried: OpenCalls | null;
  /** Whether calls are to be closed, and not only spans. */
  readonly withCalls: boolean;
}

/** Reads such a file; `null` if it does not exist or is corrupt. Throws other errors of the host. */
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

/** Writes the calls that are open behind a segment. Throws the host's error. */
export function writeOpenCalls(files: FileSystem, path: string, open: OpenCalls): void {
  files.replace(path, open.toLines());
}
