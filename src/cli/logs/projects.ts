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
import { printable, quoted } from "../terminal/format.ts";

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

/** Which logs are meant; all where nothing is said. */
export interface LogFilter extends ProjectFilter {
  /** Base URL of the server that the records are for. */
  readonly server?: string;
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
  const { entity } = filter;
  return directoriesIn(runtime, root, onUnreadable)
    .filter((path) => entity === undefined || entity === nameOfDirectory(runtime.files, path))
    .flatMap((path) => directoriesIn(runtime, path, onUnreadable))
    .map((path) => projectAt(runtime, path))
    .filter((path) => isMeant(path, filter));
}

/** Whether a filter means this project. */
export function isMeant(
  { entity, project }: Pick<ProjectPath, "entity" | "project">,
  filter: ProjectFilter,
): boolean {
  return (filter.entity === undefined || filter.entity === entity) &&
    (filter.project === undefined || filter.project === project);
}

/**
 * Why there is nothing where something was named: `Cannot find a log of project "acme/chta" in …`, and
 * the projects that are there; `null` if at least one project is meant.
 */
export function missingLogs(
  runtime: Runtime,
  root: string,
  filter: ProjectFilter,
): { message: string; hint: string } | null {
  const all = hasLogs(runtime, root) ? listProjects(runtime, root) : [];
  if (all.some((path) => isMeant(path, filter))) return null;
  const { entity, project } = filter;
  const named = entity === undefined && project === undefined
    ? "a log"
    : `a log of ${[entity ?? "any entity", project ?? "any project"].join("/")}`;
  const names = all.slice(0, MAX_NAMES).map((path) => `${path.entity}/${path.project}`);
  const more = all.length > MAX_NAMES ? `, and ${all.length - MAX_NAMES} more` : "";
  return {
    message: `Cannot find ${printable(named)} in ${quoted(root)}`,
    hint: all.length === 0
      ? "No program has written a log there; --dir or WEAVE_WAL_DIR names another directory"
      : printable(`Projects with logs there: ${names.join(", ")}${more}`),
  };
}

/** Projects that a message names. */
const MAX_NAMES = 5;

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
