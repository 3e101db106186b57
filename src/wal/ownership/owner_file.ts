/**
 * The owner file of a segment: who writes it, for which server, and whether that process sends.
 *
 * The Python SDK's `.lock` holds a PID and nothing else; this file says what a lock cannot. Its
 * rewriting is the writer's heartbeat. It stays when the writer closes a segment with records left,
 * because the next sender must know the server.
 *
 * @module
 */

import type { FileSystem } from "../../runtime/runtime.ts";
import { hasCode } from "../../errors.ts";
import { type Identity, readIdentity } from "./process_identity.ts";

/** Contents of an owner file. */
export interface Owner extends Identity {
  /** Base URL of the server that the records are for; `null` when the segment is not ours (Python). */
  readonly server: string | null;
  /** Whether the writer's own process drains the segment. */
  readonly sender: boolean;
  /** Whether the writer is done with the segment. */
  readonly closed: boolean;
}

/** What was found where an owner file should be. */
export type OwnerState = Owner | "missing" | "damaged";

/** Reads an owner file. */
export function readOwner(files: FileSystem, path: string): OwnerState {
  let text: string;
  try {
    text = files.readText(path);
  } catch (error) {
    return hasCode(error, "ENOENT") ? "missing" : "damaged";
  }
  try {
    const value = JSON.parse(text) as Record<string, unknown>;
    const identity = readIdentity(value);
    if (identity === null) return "damaged";
    return {
      ...identity,
      server: typeof value.server === "string" ? value.server : null,
      sender: value.sender === true,
      closed: value.closed === true,
    };
  } catch {
    return "damaged";
  }
}

/** Writes an owner file, in place of an older one if there is one. Also the writer's heartbeat. */
export function writeOwner(files: FileSystem, path: string, owner: Owner): void {
  files.replace(path, JSON.stringify(owner));
}
