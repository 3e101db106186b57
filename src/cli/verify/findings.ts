/**
 * What a verification finds.
 *
 * @module
 */

/**
 * What is wrong.
 *
 * - `torn`, `corrupt`, `oversize`: a line that is no record that can be sent.
 * - `checkpoint`: a checkpoint that is no number, past the end, or inside a record.
 * - `owner`: an owner file that cannot be read.
 * - `orphan`: a sidecar whose data is gone.
 * - `leftover`: a temporary file that a crash left.
 * - `dead-letter`: a line of a dead letter file that is no entry, or points to nothing.
 * - `unfinished-retry`: dead letters that a broken retry left in hand.
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
  /** What is wrong, for people. */
  readonly message: string;
  /** Whether nothing is lost by it and nothing has to be done. */
  readonly harmless?: boolean;
  /** What was done about it; absent where nothing was. */
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
