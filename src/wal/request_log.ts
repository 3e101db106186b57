/**
 * The log as its writers see it; `file_log.ts` and `memory_log.ts` are the two implementations.
 *
 * @module
 */

import type { RecordType } from "../weave/record_types.ts";

/** Where requests go before they are sent. */
export interface RequestLog {
  /** Whether records are on disk or in memory. */
  readonly kind: "file" | "memory";
  /**
   * Appends one request, synchronously. `request` is its JSON text on one line (what
   * `JSON.stringify` gives), kept byte for byte. When it returns, a file log has the record in the
   * page cache: it survives the end of the process.
   */
  append(type: RecordType, request: string): void;
  /** Forces everything appended so far to stable storage; a memory log resolves at once. */
  sync(): Promise<void>;
}
