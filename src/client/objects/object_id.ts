/**
 * Ids of objects, by the rule of the server: Python's `\w` (letters and digits of every script, and
 * the underscore), dots and hyphens, 128 characters at most.
 *
 * @module
 */

import { WeaveWalError } from "../../errors.ts";

/** Most characters (code points) of an object's id. */
export const MAX_OBJECT_ID_LENGTH = 128;

const OBJECT_ID = /^[\p{L}\p{N}_.-]{1,128}$/u;

/** Returns whether the server takes a name as an object's id. */
export function isObjectId(name: string): boolean {
  return OBJECT_ID.test(name);
}

/**
 * A name as the server takes it, made as the Python SDK makes it; empty when nothing of it is left.
 */
export function cleanObjectId(name: string): string {
  const clean = name
    .replace(/[^\p{L}\p{N}_.]+/gu, "-")
    .replace(/([._-]{2,})+/g, "-")
    .replace(/^[-_]+|[-_]+$/g, "");
  return clip(clean, MAX_OBJECT_ID_LENGTH);
}

/** The first `length` characters of a text; never half of one. */
export function clip(text: string, length: number): string {
  if (text.length <= length) return text;
  let end = 0;
  for (let count = 0; count < length && end < text.length; count++) {
    end += text.codePointAt(end)! > 0xffff ? 2 : 1;
  }
  return text.slice(0, end);
}

/**
 * The id that an object is saved under.
 *
 * @throws {WeaveWalError} `ERR_INVALID_NAME` when nothing of the name is left.
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
