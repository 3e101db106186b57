/**
 * Values of many kinds, and how Python reads each.
 *
 * @module
 */

/** An image of one pixel. */
export const PNG: Uint8Array = bytesOf(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
);

/** Audio of two frames at 8 kHz. */
export const WAV: Uint8Array = bytesOf(
  "UklGRigAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQQAAAAAAAAA",
);

/** Name, value, and its description by `reader.py`. */
export const VALUES: readonly [name: string, value: unknown, read: unknown][] = [
  ["null", null, null],
  ["true", true, true],
  ["integer", 7, 7],
  ["fraction", 0.1, 0.1],
  ["small", 1e-7, 1e-7],
  ["large", 1e21, { $float: "1e+21" }],
  ["unsafe-integer", 2 ** 60, { $int: "1152921504606847000" }],
  ["negative-zero", -0, 0],
  ["text", 'é 漢 😀 \u2028 \u0000 "\\', 'é 漢 😀 \u2028 \u0000 "\\'],
  ["long-text", "x".repeat(200_000), "x".repeat(200_000)],
  ["bigint", 12345678901234567890n, "12345678901234567890"],
  ["date", new Date(0), "1970-01-01T00:00:00.000Z"],
  ["map", new Map([["a", 1]]), { a: 1 }],
  ["set", new Set([1, 2]), [1, 2]],
  ["nested", { a: { b: [{ c: [] }, {}] } }, { a: { b: [{ c: [] }, {}] } }],
  ["undefined", [undefined], [null]],
  ["text-like-a-ref", "see weave:///a/b", "see weave:///a/b"],
];

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
