/**
 * Provisional digests: placeholders in refs until the server has returned the digest.
 *
 * The server digests a value that holds refs with ids that only it knows. A ref to such a value, made
 * while the server cannot be reached, carries a token as long as a digest; the record that makes the
 * value carries the same token as its `expected_digest`. The sender keeps what the server answers and
 * puts it in the token's place, byte for byte, in everything that is sent later.
 *
 * @module
 */

/** Prefix of every provisional digest. One in 10^19 real digests has it. */
export const PROVISIONAL = "PROVISIONAL";

/** Characters of a digest of an object, a row or a file. */
export const DIGEST_LENGTH = 43;
/** Characters of a digest of a table. */
export const TABLE_DIGEST_LENGTH = 64;

const TOKEN = /^PROVISIONAL[0-9a-f]+$/;
const INSIDE = /PROVISIONAL[0-9a-f]{32}/;

/** Whether a text holds a provisional digest of any kind. */
export function holdsProvisional(text: string): boolean {
  return text.includes(PROVISIONAL) && INSIDE.test(text);
}

/** A provisional digest of an object. `uuid` is 32 hex digits. */
export function provisionalDigest(uuid: string): string {
  return PROVISIONAL + uuid;
}

/** A provisional digest of a table. `uuid` is 32 hex digits. */
export function provisionalTableDigest(uuid: string): string {
  return (PROVISIONAL + uuid).padEnd(TABLE_DIGEST_LENGTH, "0");
}

/** The provisional digest of the row at `index` of a table with this provisional digest. */
export function provisionalRowDigest(table: string, index: number): string {
  const own = table.slice(0, DIGEST_LENGTH - 8);
  return own + index.toString(16).padStart(8, "0");
}

/** Whether a digest is provisional. */
export function isProvisional(digest: string | undefined): digest is string {
  return digest !== undefined && TOKEN.test(digest) &&
    (digest.length === DIGEST_LENGTH || digest.length === TABLE_DIGEST_LENGTH);
}
