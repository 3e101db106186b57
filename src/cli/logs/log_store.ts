/**
 * A log as the commands read it: a directory, or a stream.
 *
 * @module
 */

import type { DeadLetterSource } from "../dead_letters/source.ts";
import type { OnProgress, StatusSource } from "../status/report.ts";
import type { LogVerifier, VerifyScope } from "../verify/log_verifier.ts";
import type { LogPart } from "./log_part.ts";
import type { LogFilter } from "./projects.ts";

/** Why there is nothing where something was named, and what helps. */
export interface MissingLogs {
  readonly message: string;
  readonly hint: string;
}

/** A log that is read and looked after. */
export interface LogStore {
  /** Its place, for people. */
  readonly place: string;
  /** Whether anything is there at all. @throws {CommandError} if it is something else. */
  isThere(): boolean;
  readonly deadLetters: DeadLetterSource;
  /** Kind of its parts, for messages. */
  readonly partKind: string;
  /**
   * The parts of the log that are meant, oldest first.
   *
   * @param path A file or directory; `undefined` for the whole log.
   * @throws {CommandError} if nothing is there.
   */
  parts(path: string | undefined, filter: LogFilter): Promise<LogPart[]>;
  /** Whether a file or directory exists. */
  hasPath(path: string): boolean;
  /** Makes reports of what is pending. */
  status(filter: LogFilter, onProgress: OnProgress): StatusSource;
  /**
   * Prepares a verification. @throws {CommandError} if there is nothing to verify, or the scope does
   * not apply to this kind of log.
   */
  verifier(scope: VerifyScope): Promise<LogVerifier>;
  /** Why a filter matches nothing; `null` if it matches something, or this is unknown. */
  missing(filter: LogFilter): Promise<MissingLogs | null>;
}
