/**
 * The directories of a log, created when the first record needs them.
 *
 * @module
 */

import { basename, dirname, join } from "@std/path";
import { hasCode } from "../../errors.ts";
import type { FileSystem } from "../../runtime/file_system.ts";

/**
 * Creates a project's directory inside the root of all logs. Throws the file system error if it
 * cannot.
 *
 * @param all Whether to return every directory from the project's parent to the root's: another
 * process may have just created them, without having synced the names yet.
 * @returns Directories whose names must be synced.
 */
export function makeLogDirectories(
  files: FileSystem,
  root: string,
  directory: string,
  all: boolean,
): string[] {
  const parents: string[] = [];
  const shared = all ? [directory, dirname(directory), root, dirname(root)] : [];
  for (
    let path = directory;
    (files.stat(path) === null || shared.includes(path)) && dirname(path) !== path;
  ) {
    path = dirname(path);
    if (!mayLookAt(files, path)) break;
    parents.push(path);
  }
  refuseLinks(files, directory);
  files.makeDirectory(directory);
  refuseLinks(files, directory);
  if (parents.length > 0) writeGitignore(files, root);
  return parents;
}

/**
 * Throws if an entity's or a project's directory is a link, which would lead the records elsewhere.
 */
function refuseLinks(files: FileSystem, directory: string): void {
  for (const path of [dirname(directory), directory]) {
    const kind = files.stat(path)?.kind ?? "directory";
    if (kind === "directory") continue;
    const error = new Error(`Cannot use as a directory, it is a ${kind}: ${JSON.stringify(path)}`);
    throw Object.assign(error, { code: kind === "symlink" ? "ELOOP" : "ENOTDIR" });
  }
}

/**
 * Returns whether this process may read a path: Deno may grant access to the log's directory only.
 */
function mayLookAt(files: FileSystem, path: string): boolean {
  try {
    files.stat(path);
    return true;
  } catch (error) {
    if (hasCode(error, "EACCES") || hasCode(error, "EPERM")) return false;
    throw error;
  }
}

/** Keeps the logs out of the user's repository; does not touch directories that are not ours. */
function writeGitignore(files: FileSystem, root: string): void {
  const parent = dirname(root);
  const isOurs = basename(parent) === ".weave" && mayLookAt(files, parent);
  const path = join(isOurs ? parent : root, ".gitignore");
  try {
    if (files.stat(path) === null) files.createExclusive(path, "*\n");
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  }
}
