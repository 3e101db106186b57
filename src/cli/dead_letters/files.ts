/**
 * Finds dead letter files.
 *
 * @module
 */

import { join } from "@std/path";
import type { FileSystem } from "../../runtime/file_system.ts";
import { hasCode } from "../../errors.ts";
import { isTornEntry, readDeadLetters } from "../../wal/dead_letters/dead_letter_reader.ts";
import {
  RETRY_DIRECTORY,
  unfinishedTransactions,
} from "../../wal/dead_letters/dead_letter_transaction.ts";
import type { SegmentFiles } from "../../wal/orphans/segment_status.ts";

/** A dead letter file. */
export interface DeadLetterPath {
  readonly path: string;
  /** Stem of the records' segment. */
  readonly stem: string;
  /** Path of the raw bytes of records that cannot be read. */
  readonly quarantine: string;
}

/** Returns the dead letter files of a project, including those of an interrupted retry. */
export function deadLetterPaths(
  files: FileSystem,
  directory: string,
  stems: readonly SegmentFiles[],
): DeadLetterPath[] {
  const found: DeadLetterPath[] = stems
    .filter(({ suffixes }) => suffixes.has(".deadletter"))
    .map(({ paths, stem }) => ({ path: paths.deadLetters, stem, quarantine: paths.quarantine }));
  for (const stem of unfinishedTransactions(files, directory)) {
    found.push({
      path: join(directory, RETRY_DIRECTORY, `${stem}.deadletter`),
      stem,
      quarantine: join(directory, `${stem}.quarantine`),
    });
  }
  return found;
}

/** Returns the byte offsets of a segment's dead-lettered records. */
export async function deadLetterOffsets(
  files: FileSystem,
  { directory, stem, paths, suffixes }: SegmentFiles,
): Promise<ReadonlySet<number>> {
  const offsets = new Set<number>();
  const inRetry = join(directory, RETRY_DIRECTORY, `${stem}.deadletter`);
  for (const path of [...(suffixes.has(".deadletter") ? [paths.deadLetters] : []), inRetry]) {
    if (!files.exists(path)) continue;
    try {
      for await (const entry of readDeadLetters(files, path)) {
        if (!isTornEntry(entry) && entry.error.offset !== undefined) {
          offsets.add(entry.error.offset);
        }
      }
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
    }
  }
  return offsets;
}
