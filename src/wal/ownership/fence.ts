/**
 * Fences: they keep a process that was presumed dead, and was not, from its former segments.
 *
 * A writer on another host, or one whose process cannot be looked up, may have been suspended, and
 * may resume in the middle of an append or of a delivery. Before another process drains its
 * segments, that process makes `<stem>.fence` beside each of them, and then checks once more that
 * the writer is still unresponsive. A writer that has sent no heartbeat for {@linkcode LEASE_MS}
 * sends one after each append, and then looks for the fence: if there is one, it writes the record
 * again, into a new segment. Whichever of the two came first, the record is in front of the end
 * that the other process sees, or in the new segment. The writer's own sender does the same before
 * it sends.
 *
 * A fence is never taken back. It outlives its segment: a writer that resumes finds its file
 * removed, and the fence tells that another process did that, and not the user. It is removed when
 * the writer is known to be dead, or minutes later.
 *
 * @module
 */

import { hasCode, WeaveWalError } from "../../errors.ts";
import type { FileSystem } from "../../runtime/runtime.ts";
import type { SegmentPaths } from "../segment/segment_name.ts";
import type { SegmentGuard } from "../segment/segment.ts";
import type { Presence } from "./presence.ts";

/** Fences a segment. */
export function fence(files: FileSystem, { fence }: Pick<SegmentPaths, "fence">): void {
  try {
    if (files.stat(fence) === null) files.createExclusive(fence, "");
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  }
}

/** Whether a process presumed the writer of a segment dead. */
export function isFenced(files: FileSystem, { fence }: Pick<SegmentPaths, "fence">): boolean {
  return files.stat(fence) !== null;
}

/** Guards a segment that this process wrote and drains itself. */
export class OwnGuard implements SegmentGuard {
  readonly #files: FileSystem;
  readonly #presence: Presence;
  readonly #paths: SegmentPaths;
  /** Lapses of the heartbeat after which there was no fence. */
  #lapses: number;

  /** @param presence Shows other processes that this one runs. */
  constructor(files: FileSystem, presence: Presence, paths: SegmentPaths) {
    this.#files = files;
    this.#presence = presence;
    this.#paths = paths;
    this.#lapses = presence.lapses;
  }

  ensureHeld(): void {
    if (this.#presence.isFresh && this.#presence.lapses === this.#lapses) return;
    this.#presence.tryHeartbeat();
    const { lapses } = this.#presence;
    this.assertHeld();
    this.#lapses = lapses;
  }

  assertHeld(): void {
    if (!isFenced(this.#files, this.#paths)) return;
    const { data } = this.#paths;
    throw new WeaveWalError("ERR_LEASE_LOST", `Another process took over a segment: ${data}`);
  }
}
