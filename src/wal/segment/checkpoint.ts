/**
 * The checkpoint of a segment: the acknowledged byte offset in decimal, replaced atomically.
 *
 * It is not forced to stable storage: one that a machine crash loses or empties only means that
 * records are sent again, and sending again has no effect at the server.
 *
 * @module
 */

import type { FileSystem } from "../../runtime/runtime.ts";
import { hasCode } from "../../errors.ts";

/**
 * Ms between two checkpoints. Replacing a file by a rename makes some file systems (ext4) write it
 * to the disk at once, which takes longer than sending a batch; records that a crash finds after the
 * checkpoint are sent again, which has no effect.
 */
export const CHECKPOINT_MS = 500;

/** A checkpoint as it was found. */
export interface CheckpointState {
  /** Byte offset to go on from; 0 when there is none to trust. */
  readonly offset: number;
  /** Why the file on disk is not trusted; absent when it is, or when there is none. */
  readonly distrusted?: string;
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
    return { offset: 0, distrusted: "unreadable" };
  }
  if (!/^\s*\d{1,15}\s*$/.test(text)) return { offset: 0, distrusted: "not a decimal number" };
  const offset = Number(text);
  if (offset > size) return { offset: 0, distrusted: `${offset} is past the end at ${size}` };
  if (offset > 0 && !startsLine(offset)) {
    return { offset: 0, distrusted: `${offset} is inside a record` };
  }
  return { offset };
}

/** Puts `offset` (bytes) in place of the checkpoint at `path`, atomically. */
export function writeCheckpoint(files: FileSystem, path: string, offset: number): void {
  files.replace(path, String(offset));
}
