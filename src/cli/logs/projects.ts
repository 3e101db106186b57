/**
 * Finds logs below the root of all logs.
 *
 * @module
 */

import { dirname, join } from "@std/path";
import { hasCode } from "../../errors.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { nameOfDirectory } from "../../wal/segment/long_names.ts";
import { CommandError } from "../exit_codes.ts";
import { quoted } from "../terminal/format.ts";

/** A project's directory. */
export interface ProjectPath {
  readonly entity: string;
  readonly project: string;
  readonly directory: string;
}

/** Which projects are meant; all where nothing is said. */
export interface ProjectFilter {
  readonly entity?: string;
  readonly project?: string;
}

/** Told of a directory that cannot be read. */
export type OnUnreadable = (directory: string, error: unknown) => void;

/**
 * The projects below `root`, by name.
 *
 * @param onUnreadable Told of directories that cannot be read; without it their error is thrown:
 *   what cannot be read must not look like nothing.
 */
export function listProjects(
  runtime: Runtime,
  root: string,
  filter: ProjectFilter = {},
  onUnreadable?: OnUnreadable,
): ProjectPath[] {
  const { entity, project } = filter;
  return directoriesIn(runtime, root, onUnreadable)
    .filter((path) => entity === undefined || entity === nameOfDirectory(runtime.files, path))
    .flatMap((path) => directoriesIn(runtime, path, onUnreadable))
    .map((path) => projectAt(runtime, path))
    .filter((path) => project === undefined || project === path.project);
}

function directoriesIn(
  { files }: Runtime,
  path: string,
  onUnreadable: OnUnreadable | undefined,
): string[] {
  try {
    return files.list(path).filter(({ kind, name }) => kind === "directory" && name[0] !== ".")
      .map(({ name }) => join(path, name)).sort();
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    if (onUnreadable === undefined) throw error;
    onUnreadable(path, error);
    return [];
  }
}

/** The entity and the project of a project's directory. */
export function projectAt({ files }: Runtime, directory: string): ProjectPath {
  return {
    entity: nameOfDirectory(files, dirname(directory)),
    project: nameOfDirectory(files, directory),
    directory,
  };
}

/**
 * Whether the root of all logs is there.
 *
 * @throws {CommandError} when something else stands in its place.
 */
export function hasLogs({ files }: Runtime, root: string): boolean {
  const stat = files.stat(root);
  if (stat === null) return false;
  if (stat.kind === "file" || stat.kind === "other") {
    throw new CommandError(`Cannot use --dir: ${quoted(root)} is no directory`);
  }
  files.list(root); // Says what is wrong where it cannot be read.
  return true;
}
