/**
 * The checkpoint of a segment: the acknowledged byte offset in decimal, replaced atomically.
 *
 * It is not forced to stable storage: one that a machine crash loses or empties only means that
 * records are sent again, and sending again has no effect at the server.
 *
 * @module
 */

import type { Clock, FileSystem } from "../../runtime/runtime.ts";
import { hasCode } from "../../errors.ts";

/** Most ms between two checkpoints while records are acknowledged. */
export const CHECKPOINT_MS = 500;
/** Fewest ms between two checkpoints. */
const MIN_MS = 50;
/** A checkpoint is worth 1/20 of the time. */
const SHARE = 20;

/**
 * When a checkpoint is due. Replacing a file by a rename makes some file systems write it to the disk
 * at once, which takes longer than sending a batch: the longer it takes, the rarer it is. Records that
 * a crash finds after the checkpoint are sent again, which has no effect.
 */
export class CheckpointPace {
  readonly #clock: Clock;
  #dueAt = -Infinity;

  /** Makes a pace at which the first checkpoint is due at once. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ms until the next checkpoint; none or fewer if it is due. */
  get wait(): number {
    return this.#dueAt - this.#clock.monotonic();
  }

  /** Writes a checkpoint with `write`, and sees how long that takes. */
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

/** A checkpoint as it was found. */
export interface CheckpointState {
  /** Byte offset to go on from; 0 when there is none to trust. */
  readonly offset: number;
  /** Why the file on disk is not trusted; absent when it is, or when there is none. */
  readonly invalidReason?: string;
}

/**
 * Reads a checkpoint and checks it against its segment: a decimal number, not past `size`, and at
 * the start of a line (`startsLine` tells). Anything else starts over from 0.
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

/** Puts `offset` (bytes) in place of the checkpoint at `path`, atomically. */
export function writeCheckpoint(files: FileSystem, path: string, offset: number): void {
  files.replace(path, String(offset));
}
