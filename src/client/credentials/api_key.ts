/**
 * Validates API keys.
 *
 * @module
 */

import { WeaveWalError } from "../../errors.ts";

const NAMES: Readonly<Record<string, string>> = {
  "\0": "a NUL",
  "\t": "a tab",
  "\n": "a newline",
  "\r": "a carriage return",
  " ": "a space",
};

/**
 * Returns the key without surrounding white space, as files and shells may add.
 *
 * @param source Source of the key, for the message.
 * @throws {WeaveWalError} `ERR_INVALID_OPTION` for a key that cannot be sent. The message names the
 * invalid character, never the key.
 */
export function checkApiKey(value: unknown, source: string): string {
  if (typeof value !== "string") throw refused(source, "is not text");
  const key = value.trim();
  if (key === "") throw refused(source, "is empty");
  const bad = /[^\x21-\x7e]/u.exec(key);
  if (!bad) return key;
  const [character] = bad;
  const code = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0");
  const kind = NAMES[character] ??
    (character < " " || character === "\x7f" ? "a control character" : "a character beyond ASCII");
  const position = value.indexOf(key) + bad.index + 1;
  throw refused(source, `has ${kind} (U+${code}) at position ${position}`);
}

function refused(source: string, why: string): WeaveWalError {
  return new WeaveWalError(
    "ERR_INVALID_OPTION",
    `Cannot use ${source}: the API key ${why}; a key is one word of ASCII characters`,
  );
}
