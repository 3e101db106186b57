/**
 * Makes text well-formed: a lone surrogate becomes U+FFFD, as in Python's `errors="replace"`. The
 * trace server stores lone surrogates as they are, and can then not answer any query of the
 * project.
 *
 * @module
 */

const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** String methods that the oldest supported runtimes lack. */
interface WellFormedMethods {
  isWellFormed?: (this: string) => boolean;
}

const native = (String.prototype as WellFormedMethods).isWellFormed;

/** Whether a text has no lone surrogate. Takes constant time for Latin-1 text. */
export const isWellFormed: (text: string) => boolean = native === undefined
  ? (text) => !LONE_SURROGATE.test(text)
  : (text) => native.call(text);

/** Replaces every lone surrogate in a text with U+FFFD. */
export function wellFormed(text: string): string {
  return isWellFormed(text) ? text : text.replace(new RegExp(LONE_SURROGATE, "g"), "\ufffd");
}

/**
 * Prefix of the escape of a lone surrogate in `JSON.stringify`, which escapes no other wide
 * character.
 */
const ESCAPED = "\\ud";
/** Any escape in a JSON text; captures that of a lone surrogate. */
const ESCAPES = /\\(?:(ud[89a-f][0-9a-f]{2})|.)/g;

/** Replaces every escaped lone surrogate in the output of `JSON.stringify` with U+FFFD. */
export function wellFormedJson(json: string): string {
  if (!json.includes(ESCAPED)) return json;
  return json.replace(ESCAPES, (escape, half) => half === undefined ? escape : "\ufffd");
}

/** Returns the JSON text of a string, well-formed. */
export function jsonString(text: string): string {
  return JSON.stringify(wellFormed(text));
}
