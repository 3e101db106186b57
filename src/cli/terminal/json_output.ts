/**
 * JSON on a terminal. Logs may have been planted, and their strings must not control the terminal.
 *
 * @module
 */

import type { Output } from "./terminal.ts";

/**
 * Makes JSON text safe to print: characters that `printable` replaces become escapes, so
 * that it is the same JSON.
 */
export function printableJson(text: string): string {
  return text.replace(
    // Line feeds separate values. A string of a planted file may contain the other characters.
    // deno-lint-ignore no-control-regex
    /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Writes JSON text, unchanged unless a terminal shows it. */
export async function writeJson(out: Output, text: string): Promise<void> {
  await out.write(out.isTerminal ? printableJson(text) : text);
}
