/**
 * Provisional digests: placeholders in refs until the server has returned the digest.
 *
 * If a value contains refs, its digest depends on IDs that only the server knows. A ref to such a
 * value, created while the server is unreachable, contains a token of the length of a digest; the
 * record that creates the value has the same token as its `expected_digest`. The sender keeps the
 * digest that the server returns, and replaces the token with it, byte for byte, in everything that
 * it sends later.
 *
 * @module
 */

/** Prefix of every provisional digest. One in 10^19 real digests has it. */
export const PROVISIONAL = "PROVISIONAL";

/** Length of the digest of an object, a row or a file. */
export const DIGEST_LENGTH = 43;
/** Length of the digest of a table. */
export const TABLE_DIGEST_LENGTH = 64;

const TOKEN = /^PROVISIONAL[0-9a-f]+$/;
const INSIDE = /PROVISIONAL[0-9a-f]{32}/;

/** Returns whether a text contains a provisional digest of any kind. */
export function holdsProvisional(text: string): boolean {
  return text.includes(PROVISIONAL) && INSIDE.test(text);
}

/** Returns a provisional digest of an object. `uuid` is 32 hex digits. */
export function provisionalDigest(uuid: string): string {
  return PROVISIONAL + uuid;
}

/** Returns a provisional digest of a table. `uuid` is 32 hex digits. */
export function provisionalTableDigest(uuid: string): string {
  return (PROVISIONAL + uuid).padEnd(TABLE_DIGEST_LENGTH, "0");
}

/** Returns the provisional digest of the row at `index` of a table with this provisional digest. */
export function provisionalRowDigest(table: string, index: number): string {
  const own = table.slice(0, DIGEST_LENGTH - 8);
  return own + index.toString(16).padStart(8, "0");
}

/** Returns whether a digest is provisional. */
export function isProvisional(digest: string | undefined): digest is string {
  return digest !== undefined && TOKEN.test(digest) &&
    (digest.length === DIGEST_LENGTH || digest.length === TABLE_DIGEST_LENGTH);
}
