/**
 * Compares parts of buffers.
 *
 * @module
 */

/** Returns whether two ranges have the same bytes. */
export function sameBytes(
  a: Uint8Array,
  start: number,
  end: number,
  b: Uint8Array,
  otherStart: number,
  otherEnd: number,
): boolean {
  if (end - start !== otherEnd - otherStart) return false;
  for (let i = 0; i < end - start; i++) {
    if (a[start + i] !== b[otherStart + i]) return false;
  }
  return true;
}
