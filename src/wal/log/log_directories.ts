/**
 * The directories of a log, made when the first record needs them.
 *
 * @module
 */

import { basename, dirname, join } from "@std/path";
import { hasCode } from "../../errors.ts";
import type { FileSystem } from "../../runtime/runtime.ts";

/**
 * Makes a project's directory below the root of all logs. Throws the host's error if it cannot.
 *
 * @param all Whether all names from the project's directory to the root's are returned: another
 *   process may have made them a moment ago, and not have forced them to stable storage yet.
 * @returns Directories in which names were made; they are to be forced to stable storage.
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

/** A link in place of an entity's or a project's directory would lead the records elsewhere. */
function refuseLinks(files: FileSystem, directory: string): void {
  for (const path of [dirname(directory), directory]) {
    const kind = files.stat(path)?.kind ?? "directory";
    if (kind === "directory") continue;
    const error = new Error(`Cannot use as a directory, it is a ${kind}: ${JSON.stringify(path)}`);
    throw Object.assign(error, { code: kind === "symlink" ? "ELOOP" : "ENOTDIR" });
  }
}

/** Whether the host lets this process look at a path: Deno may grant the log's directory only. */
function mayLookAt(files: FileSystem, path: string): boolean {
  try {
    files.stat(path);
    return true;
  } catch (error) {
    if (hasCode(error, "EACCES") || hasCode(error, "EPERM")) return false;
    throw error;
  }
}

/** Keeps the logs out of everybody's repository, without touching a directory that is not ours. */
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
