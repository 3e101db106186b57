/**
 * Entity and project names that are too long for a file system. Their directories have shortened
 * names, and contain files with the full names.
 *
 * @module
 */

import { basename, dirname, join } from "@std/path";
import type { FileSystem } from "../../runtime/file_system.ts";
import { directoryName, projectDirectory } from "./project_directory.ts";

/** File with the full name of a directory whose name is shortened. */
export const NAME_FILE = ".name";

/** Suffix of a shortened name: the beginning of the SHA-256 of the full name. */
const SHORTENED = /~[0-9a-f]{32}$/;

/**
 * Creates the directories of a project whose names are shortened, with files that contain the full
 * names. Does nothing for other projects.
 *
 * @throws The file system error if a write fails.
 */
export function saveLongNames(
  files: FileSystem,
  root: string,
  entity: string,
  project: string,
): void {
  const directory = projectDirectory(root, entity, project);
  for (const [path, name] of [[dirname(directory), entity], [directory, project]]) {
    if (basename(path) === name) continue;
    files.makeDirectory(path);
    if (!files.exists(join(path, NAME_FILE))) files.replace(join(path, NAME_FILE), name);
  }
}

/** Returns `entity/project` for a project's directory. */
export function projectName(files: FileSystem, directory: string): string {
  return `${nameOfDirectory(files, dirname(directory))}/${nameOfDirectory(files, directory)}`;
}

/** Returns the entity or project name that a directory belongs to. */
export function nameOfDirectory(files: FileSystem, path: string): string {
  const own = basename(path);
  if (!SHORTENED.test(own)) return own;
  try {
    const name = files.readText(join(path, NAME_FILE));
    // Anyone may have put the file there.
    return directoryName(name) === own ? name : own;
  } catch {
    return own;
  }
}
