/**
 * Names and directories of projects.
 *
 * @module
 */

import { join } from "@std/path";
import { WeaveWalError } from "../../errors.ts";
import { toHex } from "../../protocol/digest/hex.ts";
import { sha256 } from "../../protocol/digest/sha256.ts";

/** Maximum characters of an entity or project name. */
export const MAX_NAME_LENGTH = 128;

/**
 * Validates an entity or project name before it becomes part of a path.
 *
 * @param kind Kind of name, for the message.
 * @returns The name, unchanged.
 * @throws {WeaveWalError} `ERR_INVALID_NAME` for an empty name, one over 128 characters, `.`, `..`,
 * a leading dot, and names with separators, colons, control characters or lone surrogates.
 */
export function validateName(kind: "entity" | "project", name: string): string {
  const refuse = (why: string): never => {
    throw new WeaveWalError(
      "ERR_INVALID_NAME",
      `Cannot use ${kind} name: ${JSON.stringify(name)} ${why}`,
    );
  };
  if (typeof name !== "string" || name === "") {
    return refuse('is empty; name it as "entity/project"');
  }
  if (name.length > MAX_NAME_LENGTH) return refuse(`is longer than ${MAX_NAME_LENGTH} characters`);
  if (name.startsWith(".")) return refuse("starts with a dot");
  // deno-lint-ignore no-control-regex
  if (/[\u0000-\u001f\u007f/\\:]/.test(name)) {
    return refuse("has a separator, a colon or a control character");
  }
  if (/[\ud800-\udfff]/u.test(name)) return refuse("is not well-formed Unicode");
  return name;
}

/** Returns the directory of a project's segments. */
export function projectDirectory(root: string, entity: string, project: string): string {
  return join(
    root,
    directoryName(validateName("entity", entity)),
    directoryName(validateName("project", project)),
  );
}

/** Length in bytes that every file system supports: most allow 255, eCryptfs 143. */
const MAX_NAME_BYTES = 143;

const encoder = new TextEncoder();

/**
 * Returns the directory name of an entity or a project: its own name, or a prefix of it and a
 * digest if it is too long.
 */
export function directoryName(name: string): string {
  if (encoder.encode(name).length <= MAX_NAME_BYTES) return name;
  const digest = sha256(encoder.encode(name)).subarray(0, 16);
  const end = `~${toHex(digest)}`;
  let start = "";
  let length = end.length;
  for (const character of name) {
    length += encoder.encode(character).length;
    if (length > MAX_NAME_BYTES) break;
    start += character;
  }
  return start + end;
}
