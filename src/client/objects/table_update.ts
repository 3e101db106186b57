/**
 * Computes the digests of a table that is derived from another one.
 *
 * @module
 */

import { tableDigest } from "../../protocol/digest/digest.ts";
import { isProvisional } from "../../protocol/digest/provisional.ts";
import type { TableChange } from "../weave_client/inputs.ts";

/**
 * Returns the digests of the new table and its rows; `null` unless the digest of every row is
 * known.
 *
 * @param rowDigest Returns the digest of a row, if it can be known.
 */
export function updatedDigests(
  baseRowDigests: readonly string[],
  updates: readonly TableChange[],
  rowDigest: (row: unknown) => string | undefined,
): { digest: string; row_digests: string[] } | null {
  const digests: (string | undefined)[] = [...baseRowDigests];
  for (const update of updates) {
    if ("append" in update) digests.push(rowDigest(update.append.row));
    else if ("pop" in update) digests.splice(update.pop.index, 1);
    else digests.splice(update.insert.index, 0, rowDigest(update.insert.row));
  }
  const known = digests.filter((digest) => digest !== undefined && !isProvisional(digest));
  if (known.length < digests.length) return null;
  return { digest: tableDigest(known as string[]), row_digests: known as string[] };
}
