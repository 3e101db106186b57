/**
 * Findings of a verification.
 *
 * @module
 */

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
 * - `foreign`: a file that does not belong in a log's directory.
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
  | "foreign";

/** One problem. */
export interface Finding {
  readonly kind: FindingKind;
  readonly entity: string;
  readonly project: string;
  /** File name in the project's directory. */
  readonly file: string;
  /** Byte offset and length, if the problem is in a part of the file. */
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
