/**
 * Names of entities and projects that are too long for a file system: their directories have
 * shortened names, and files that hold the whole ones.
 *
 * @module
 */

import { basename, dirname, join } from "@std/path";
import type { FileSystem } from "../../runtime/runtime.ts";
import { directoryName, projectDirectory } from "./segment_name.ts";

/** Holds the whole name of a directory that has a shortened one. */
export const NAME_FILE = ".name";

/** The end of a shortened name: the beginning of the SHA-256 of the whole one. */
const SHORTENED = /~[0-9a-f]{32}$/;

/**
 * Makes the directories of a project whose names had to be shortened, with files that hold the whole
 * names. Does nothing for other projects.
 *
 * @throws The host's error where the disk does not take them.
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

/** `entity/project` of a project's directory. */
export function projectName(files: FileSystem, directory: string): string {
  return `${nameOfDirectory(files, dirname(directory))}/${nameOfDirectory(files, directory)}`;
}

/** The entity or project that a directory belongs to; the directory's own name if it is whole. */
export function nameOfDirectory(files: FileSystem, path: string): string {
  const own = basename(path);
  if (!SHORTENED.test(own)) return own;
  try {
    const name = files.readText(join(path, NAME_FILE));
    // Anybody can have put the file there.
    return directoryName(name) === own ? name : own;
  } catch {
    return own;
  }
}
