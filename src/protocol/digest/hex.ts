/**
 * Hex digits of bytes.
 *
 * @module
 */

/** Returns bytes as lowercase hex digits. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}
