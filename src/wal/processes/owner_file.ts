/**
 * The owner file that version 0.1 wrote beside each segment: its writer, its server, and whether
 * the writer sends. Such segments are still drained; processes now have one presence file instead.
 *
 * @module
 */

import type { FileSystem } from "../../runtime/file_system.ts";
import { hasCode } from "../../errors.ts";
import { type ProcessIdentity, readIdentity } from "./process_identity.ts";

/** Contents of an owner file. */
export interface Owner extends ProcessIdentity {
  /** Base URL of the records' server; `null` for a segment of the Python SDK. */
  readonly server: string | null;
  /** Whether the writer drains the segment itself. */
  readonly sender: boolean;
  /** Whether the writer has closed the segment. */
  readonly closed: boolean;
}

/** Contents of an owner file, or why they are not available. */
export type OwnerState = Owner | "missing" | "corrupt";

/** Reads an owner file. */
export function readOwner(files: FileSystem, path: string): OwnerState {
  let text: string;
  try {
    text = files.readText(path);
  } catch (error) {
    return hasCode(error, "ENOENT") ? "missing" : "corrupt";
  }
  try {
    const value = JSON.parse(text) as Record<string, unknown>;
    const identity = readIdentity(value);
    if (identity === null) return "corrupt";
    return {
      ...identity,
      server: typeof value.server === "string" ? value.server : null,
      sender: value.sender === true,
      closed: value.closed === true,
    };
  } catch {
    return "corrupt";
  }
}
