/**
 * Dead letters that one process holds, to take some of them out.
 *
 * @module
 */

import type { DeadLetterEntry } from "./dead_letter_reader.ts";

/** Dead letters in a file or in a stream, which no other process takes out meanwhile. */
export interface HeldDeadLetters {
  /** The entries, in order. */
  entries(): AsyncGenerator<DeadLetterEntry>;
  /** @throws {WeaveWalError} `ERR_LEASE_LOST` if another process may have taken them over. */
  assertHeld(): void;
  /** Removes these entries: they are no longer dead letters. */
  remove(entries: readonly DeadLetterEntry[]): void | Promise<void>;
  /** Puts entries back in another form; resolves when they are kept as safely as before. */
  replace(replacements: readonly (readonly [DeadLetterEntry, string])[]): Promise<void>;
  /** Restores all entries that were neither removed nor replaced, and ends. */
  rollback(): Promise<void>;
}
