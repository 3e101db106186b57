/**
 * Text of files and settings that others may have written, as it is shown on a terminal.
 *
 * @module
 */

/**
 * Returns text that cannot control a terminal: control characters other than line feeds, and marks
 * that change the direction of text, become the escapes that JSON has for them. JSON stays the same
 * JSON.
 */
export function escapeControls(text: string): string {
  return text.replace(
    // deno-lint-ignore no-control-regex
    /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
