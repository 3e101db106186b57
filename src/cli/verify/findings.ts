/**
 * Findings of a verification.
 *
 * @module
 */

/**
 * Kind of problem.
 *
 * - `torn`, `corrupt`, `oversize`: a line that is not a valid record.
 * - `checkpoint`: a checkpoint that is not a number, past the end, or inside a record.
 * - `owner`: an owner file that cannot be read.
 * - `orphan`: a sidecar whose data does not exist.
 * - `leftover`: a temporary file that a crash left.
 * - `dead-letter`: a line of a dead letter file that is not an entry, or points to nothing.
 * - `unfinished-retry`: dead letters of an interrupted retry.
 * - `foreign`: a name that does not belong into a log's directory.
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

/** One thing that is wrong. */
export interface Finding {
  readonly kind: FindingKind;
  readonly entity: string;
  readonly project: string;
  /** Name in the project's directory. */
  readonly file: string;
  /** Byte offset and length, where a stretch of the file is meant. */
  readonly offset?: number;
  readonly length?: number;
  /** Description of the problem. */
  readonly message: string;
  /** Whether nothing is lost by it and nothing has to be done. */
  readonly harmless?: boolean;
  /** The repair; absent if there was none. */
  readonly repaired?: string;
  /** Why nothing was done, where it was asked for. */
  readonly unrepaired?: string;
}

/** Findings that are listed one by one; the rest are counted. */
const MAX_LISTED = 1_000;

/** Collects findings in bounded memory. */
export class Findings {
  readonly list: Finding[] = [];
  #total = 0;
  #repaired = 0;
  /** Files and records that were read, and their bytes. */
  files = 0;
  records = 0;
  bytes = 0;

  /** Findings, the harmless ones left out. */
  get total(): number {
    return this.#total;
  }

  /** Findings that were repaired. */
  get repaired(): number {
    return this.#repaired;
  }

  /** Takes one in. */
  add(finding: Finding): void {
    if (!finding.harmless) this.#total++;
    if (finding.repaired !== undefined) this.#repaired++;
    if (this.list.length < MAX_LISTED) this.list.push(finding);
  }
}
