/**
 * The checkpoint of a segment: the acknowledged byte offset in decimal, replaced atomically.
 *
 * It is not synced. If a machine crash loses or empties it, records are sent again, which has no
 * effect at the server.
 *
 * @module
 */

import type { FileSystem } from "../../runtime/file_system.ts";
import type { Clock } from "../../runtime/runtime.ts";
import { hasCode } from "../../errors.ts";

/** Maximum ms between two checkpoints while records are acknowledged. */
export const CHECKPOINT_MS = 500;
/** Minimum ms between two checkpoints. */
const MIN_MS = 50;
/** Writing checkpoints may take 1/20 of the time. */
const SHARE = 20;

/**
 * Decides when a checkpoint is due.
 *
 * On some file systems, replacing a file by a rename writes it to disk at once, which takes longer
 * than sending a batch. The longer it takes, the less often it is done. Records after the
 * checkpoint are sent again after a crash, which has no effect.
 */
export class CheckpointPace {
  readonly #clock: Clock;
  #dueAt = -Infinity;

  /** Creates a pace whose first checkpoint is due at once. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ms until the next checkpoint; zero or negative if it is due. */
  get wait(): number {
    return this.#dueAt - this.#clock.monotonic();
  }

  /** Writes a checkpoint with `write`, and measures how long that takes. */
  keep(write: () => void): void {
    const begun = this.#clock.monotonic();
    try {
      write();
    } finally {
      const now = this.#clock.monotonic();
      this.#dueAt = now + Math.min(CHECKPOINT_MS, Math.max(MIN_MS, (now - begun) * SHARE));
    }
  }
}

/** A checkpoint as read from disk. */
export interface CheckpointState {
  /** Byte offset to continue from; 0 if there is no valid checkpoint. */
  readonly offset: number;
  /** Why the checkpoint on disk is invalid; absent if it is valid or does not exist. */
  readonly invalidReason?: string;
}

/**
 * Reads a checkpoint and validates it against its segment: a decimal number, not after `size`, and
 * at the start of a line (see `startsLine`). Otherwise draining starts over at 0.
 */
export function readCheckpoint(
  files: FileSystem,
  path: string,
  size: number,
  startsLine: (offset: number) => boolean,
): CheckpointState {
  let text: string;
  try {
    text = files.readText(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return { offset: 0 };
    return { offset: 0, invalidReason: "unreadable" };
  }
  if (!/^\s*\d{1,15}\s*$/.test(text)) return { offset: 0, invalidReason: "not a decimal number" };
  const offset = Number(text);
  if (offset > size) return { offset: 0, invalidReason: `${offset} is past the end at ${size}` };
  if (offset > 0 && !startsLine(offset)) {
    return { offset: 0, invalidReason: `${offset} is inside a record` };
  }
  return { offset };
}

/** Replaces the checkpoint at `path` with `offset` (bytes), atomically. */
export function writeCheckpoint(files: FileSystem, path: string, offset: number): void {
  files.replace(path, String(offset));
}
