/**
 * IDs of objects, according to the server's rule: Python's `\w` (alphanumeric characters of every
 * script, and the underscore), dots and hyphens, at most 128 characters.
 *
 * @module
 */

import { WeaveWalError } from "../../errors.ts";

/** Maximum characters (code points) of an object ID. */
export const MAX_OBJECT_ID_LENGTH = 128;

const OBJECT_ID = /^[\p{L}\p{N}_.-]{1,128}$/u;

/** Returns whether the server takes a name as an object's id. */
export function isObjectId(name: string): boolean {
  return OBJECT_ID.test(name);
}

/** Converts a name to a valid object ID, as the Python SDK does; empty if nothing remains. */
export function cleanObjectId(name: string): string {
  const clean = name
    .replace(/[^\p{L}\p{N}_.]+/gu, "-")
    .replace(/([._-]{2,})+/g, "-")
    .replace(/^[-_]+|[-_]+$/g, "");
  return clip(clean, MAX_OBJECT_ID_LENGTH);
}

/** Returns the first `length` characters of a text, without splitting a surrogate pair. */
export function clip(text: string, length: number): string {
  if (text.length <= length) return text;
  let end = 0;
  for (let count = 0; count < length && end < text.length; count++) {
    end += text.codePointAt(end)! > 0xffff ? 2 : 1;
  }
  return text.slice(0, end);
}

/**
 * Returns the ID under which an object is saved.
 *
 * @throws {WeaveWalError} `ERR_INVALID_NAME` if nothing of the name remains.
 */
export function toObjectId(name: string): string {
  if (isObjectId(name)) return name;
  const composed = name.normalize("NFC");
  const id = isObjectId(composed) ? composed : cleanObjectId(composed);
  if (id !== "") return id;
  throw new WeaveWalError(
    "ERR_INVALID_NAME",
    `Cannot save an object under this name: ${JSON.stringify(clip(name, 200))} has no letter ` +
      "and no digit",
  );
}
