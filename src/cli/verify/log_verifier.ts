/**
 * Verification of a log: a directory, or a stream.
 *
 * @module
 */

import type { Context } from "../context.ts";
import type { LogFilter } from "../logs/projects.ts";
import type { Findings } from "./findings.ts";

/** Options for a verification. */
export interface VerifyJob {
  readonly context: Context;
  readonly findings: Findings;
  readonly repair: boolean;
  /** Token of this process in its leases, 32 hex digits. */
  readonly token: string;
  /** Called with the number of bytes read. */
  readonly onBytes: (bytes: number) => void;
}

/** The part of a log to verify. */
export interface VerifyScope {
  /** A file or directory; `undefined` for the whole log. */
  readonly path: string | undefined;
  readonly filter: LogFilter;
  /** Whether findings will be repaired. */
  readonly repair: boolean;
}

/** Reads a log completely. */
export interface LogVerifier {
  /** Kind of the parts that are counted as files. */
  readonly unit: string;
  /** Number of bytes to read. */
  readonly bytes: number;
  /** Reads the log and adds what is wrong to the findings. */
  verify(job: VerifyJob): Promise<void>;
  /** The action to take for findings that were not repaired; `null` if their messages say it. */
  remedy(findings: Findings): string | null;
}
