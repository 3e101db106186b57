/**
 * Fences keep a process that was wrongly presumed dead away from its former segments.
 *
 * A writer that is on another host, or whose process cannot be looked up, may only be suspended,
 * and may resume in the middle of an append or a delivery. Before another process drains its
 * segments, that process creates `<stem>.fence` beside each of them, and then checks again that the
 * writer is still unresponsive. A writer that has sent no heartbeat for {@linkcode LEASE_MS} sends
 * one after each append, and then checks for the fence. If there is one, it writes the record
 * again, to a new segment. Whichever process came first, the record is either before the end that
 * the other process sees, or in the new segment. The writer's own sender does the same before it
 * sends.
 *
 * A fence is never revoked. It outlives its segment, so that a resuming writer that finds its file
 * removed knows that another process did that, and not the user. It is removed once the writer is
 * known to be dead, or after some minutes.
 *
 * @module
 */

import { hasCode, WeaveWalError } from "../../errors.ts";
import type { FileSystem } from "../../runtime/file_system.ts";
import type { SegmentPaths } from "../segment/segment_name.ts";
import type { SegmentGuard } from "../segment/segment.ts";
import type { Presence } from "../processes/presence.ts";

/** Fences a segment. */
export function fence(files: FileSystem, { fence }: Pick<SegmentPaths, "fence">): void {
  try {
    if (files.stat(fence) === null) files.createExclusive(fence, "");
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  }
}

/** Returns whether another process presumed the writer of a segment dead. */
export function isFenced(files: FileSystem, { fence }: Pick<SegmentPaths, "fence">): boolean {
  return files.stat(fence) !== null;
}

/** Guards a segment that this process both wrote and drains. */
export class OwnGuard implements SegmentGuard {
  readonly #files: FileSystem;
  readonly #presence: Presence;
  readonly #paths: SegmentPaths;
  /** Value of `lapses` when there was last no fence. */
  #lapses: number;

  /** @param presence Shows other processes that this one is running. */
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
