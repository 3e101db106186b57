/**
 * Findings of a verification.
 *
 * @module
 */

import { plural } from "../terminal/format.ts";

/**
 * Kind of problem.
 *
 * - `torn`, `corrupt`, `oversize`: a line that is not a valid record.
 * - `checkpoint`: a checkpoint that is not a number, after the end, or inside a record.
 * - `owner`: an owner file that cannot be read.
 * - `orphan`: a sidecar whose data does not exist.
 * - `leftover`: a temporary file from before a crash.
 * - `dead-letter`: a line of a dead letter file that is not an entry, or refers to missing data.
 * - `unfinished-retry`: dead letters of an interrupted retry.
 * - `foreign`: a file, message or key that does not belong in a log.
 * - `missing`: a stream that does not exist, or messages that its servers count but do not return.
 * - `settings`: a setting of a stream with which records are lost or not sent.
 * - `replica`: a replica of a stream that does not respond or is behind.
 * - `key`: a lease or the status of a sender that cannot be read.
 */
export type FindingKind =
  | "torn"
  | "corrupt"
  | "oversize"
  | "checkpoint"
  | "owner"
  | "orphan"
  | "leftover"
  | "dead-letter"
  | "unfinished-retry"
  | "foreign"
  | "missing"
  | "settings"
  | "replica"
  | "key";

/** One problem. */
export interface Finding {
  readonly kind: FindingKind;
  /** `null`, like the project, if the problem concerns all projects of a stream. */
  readonly entity: string | null;
  readonly project: string | null;
  /** File name in the project's directory, or name of the stream. */
  readonly file: string;
  /**
   * Byte offset and length, if the problem is in a part of the file. In a stream, the offset is the
   * position of the message.
   */
  readonly offset?: number;
  readonly length?: number;
  /** Description of the problem. */
  readonly message: string;
  /** Whether the problem loses nothing and needs no action. */
  readonly harmless?: boolean;
  /** The repair; absent if there was none. */
  readonly repaired?: string;
  /** Why a requested repair was not done. */
  readonly unrepaired?: string;
}

/** Maximum number of findings to list; the rest are counted. */
const MAX_LISTED = 1_000;

/** Collects findings in bounded memory. */
export class Findings {
  readonly list: Finding[] = [];
  #total = 0;
  #repaired = 0;
  /** Files, records and bytes that were read. */
  files = 0;
  records = 0;
  bytes = 0;

  /** Number of findings, without harmless ones. */
  get total(): number {
    return this.#total;
  }

  /** Number of repaired findings. */
  get repaired(): number {
    return this.#repaired;
  }

  /** Adds a finding. */
  add(finding: Finding): void {
    if (!finding.harmless) this.#total++;
    if (finding.repaired !== undefined) this.#repaired++;
    if (this.list.length < MAX_LISTED) this.list.push(finding);
  }
}

/** Formats the result: `3 problems`, `1 problem, repaired`. */
export function verdictText({ total, repaired }: Findings): string {
  if (total === 0) return "no problems";
  const problems = plural(total, "problem");
  return repaired === 0
    ? problems
    : repaired === total
    ? `${problems}, repaired`
    : `${problems}, ${repaired} repaired`;
}
