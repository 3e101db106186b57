/**
 * A log as the commands read it: a directory, or a stream.
 *
 * @module
 */

import type { DeadLetterSource } from "../dead_letters/source.ts";

/** A log that is read and looked after. */
export interface LogStore {
  /** Its place, for people. */
  readonly place: string;
  readonly deadLetters: DeadLetterSource;
}
