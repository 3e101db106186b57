/**
 * Text that every reader can encode: half of a surrogate pair becomes U+FFFD, as in Python's
 * `errors="replace"`. The trace server stores such a half as it is, and can then answer no query of
 * the project.
 *
 * @module
 */

const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** Methods of strings that the oldest supported hosts lack. */
interface WellFormedMethods {
  isWellFormed?: (this: string) => boolean;
}

const native = (String.prototype as WellFormedMethods).isWellFormed;

/** Whether a text has no half of a surrogate pair. Takes no time for text without wide characters. */
export const isWellFormed: (text: string) => boolean = native === undefined
  ? (text) => !LONE_SURROGATE.test(text)
  : (text) => native.call(text);

/** A text in which U+FFFD replaces every half of a surrogate pair. */
export function wellFormed(text: string): string {
  return isWellFormed(text) ? text : text.replace(new RegExp(LONE_SURROGATE, "g"), "\ufffd");
}

/** Prefix of the escape of half a pair by `JSON.stringify`, which escapes no other wide character. */
const ESCAPED = "\\ud";
/** Any escape of a JSON text; one of half a pair is captured. */
const ESCAPES = /\\(?:(ud[89a-f][0-9a-f]{2})|.)/g;

/** A JSON text made by `JSON.stringify`, in which U+FFFD replaces every half of a surrogate pair. */
export function wellFormedJson(json: string): string {
  if (!json.includes(ESCAPED)) return json;
  return json.replace(ESCAPES, (escape, half) => half === undefined ? escape : "\ufffd");
}

/** The JSON text of a string, well-formed. */
export function jsonString(text: string): string {
  return JSON.stringify(wellFormed(text));
}
