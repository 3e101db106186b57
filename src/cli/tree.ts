/**
 * Finds logs below the root of all logs.
 *
 * @module
 */

import { basename, dirname } from "@std/path";
import type { Runtime } from "../runtime/runtime.ts";
import { projectDirectories } from "../wal/recovery.ts";
import { CommandError } from "./exit.ts";
import { quoted } from "./format.ts";

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

/** The projects below `root`, by name. */
export function listProjects(
  runtime: Runtime,
  root: string,
  filter: ProjectFilter = {},
): ProjectPath[] {
  return projectDirectories(runtime, root).map(projectAt).filter(({ entity, project }) =>
    !entity.startsWith(".") && !project.startsWith(".") &&
    (filter.entity === undefined || filter.entity === entity) &&
    (filter.project === undefined || filter.project === project)
  );
}

/** Reads entity and project out of a project's directory. */
export function projectAt(directory: string): ProjectPath {
  return { entity: basename(dirname(directory)), project: basename(directory), directory };
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
