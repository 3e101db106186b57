/**
 * Finds logs in the root directory of all logs.
 *
 * @module
 */

import { basename, dirname, join } from "@std/path";
import { hasCode } from "../../errors.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { isKeyDirectory } from "../../wal/processes/python_writer.ts";
import { nameOfDirectory } from "../../wal/segment/long_names.ts";
import { CommandError } from "../exit_codes.ts";
import { printable, quoted } from "../terminal/format.ts";
import { projectsAmong } from "./foreign_directories.ts";
import { projectLabel, type PythonDirectory, type PythonFilter } from "./python_logs.ts";

/** A project's directory. */
export interface ProjectPath {
  readonly entity: string;
  readonly project: string;
  readonly directory: string;
  /** Present if the Python SDK writes it. */
  readonly python?: PythonDirectory;
}

/** Selects projects; default: all. */
export interface ProjectFilter extends PythonFilter {
  readonly entity?: string;
  readonly project?: string;
}

/** Selects logs; default: all. */
export interface LogFilter extends ProjectFilter {
  /** Base URL of the server that the records are for. */
  readonly server?: string;
}

/** Called for each directory that cannot be read. */
export type OnUnreadable = (directory: string, error: unknown) => void;

/**
 * Lists the projects in `root` by name, then those in the Python SDK's own root.
 *
 * @param onUnreadable Called for directories that cannot be read. Without it, their error is
 * thrown: an unreadable directory must not look like an empty one.
 */
export async function listProjects(
  runtime: Runtime,
  root: string,
  filter: ProjectFilter = {},
  onUnreadable?: OnUnreadable,
): Promise<ProjectPath[]> {
  const { pythonRoot, keyDigest } = filter;
  const found = await projectsBelow(runtime, root, filter, onUnreadable);
  if (pythonRoot === undefined) return found;
  for (const project of await projectsBelow(runtime, pythonRoot, filter, onUnreadable)) {
    if (project.python) found.push(project);
    else if (keyDigest === undefined) found.push({ ...project, python: { keyDigest: null } });
  }
  return found;
}

async function projectsBelow(
  runtime: Runtime,
  root: string,
  filter: ProjectFilter,
  onUnreadable: OnUnreadable | undefined,
): Promise<ProjectPath[]> {
  const found: ProjectPath[] = [];
  for (const path of await directoriesBelow(runtime, root, filter, onUnreadable)) {
    found.push(...await withKeyDirectories(runtime, path, filter, onUnreadable));
  }
  return found;
}

/** Returns the directories of projects, without those that they contain. */
async function directoriesBelow(
  runtime: Runtime,
  root: string,
  filter: ProjectFilter,
  onUnreadable?: OnUnreadable,
): Promise<ProjectPath[]> {
  const { entity } = filter;
  const directories = directoriesIn(runtime, root, onUnreadable)
    .filter((path) => entity === undefined || entity === nameOfDirectory(runtime.files, path))
    .flatMap((path) => directoriesIn(runtime, path, onUnreadable));
  return (await projectsAmong(runtime.files, root, directories))
    .map((path) => projectAt(runtime, path))
    .filter((path) => isMeant(path, filter));
}

/**
 * Returns a project's directory and those inside it that the Python SDK keeps for single API keys.
 */
async function withKeyDirectories(
  runtime: Runtime,
  project: ProjectPath,
  { keyDigest }: ProjectFilter,
  onUnreadable: OnUnreadable | undefined,
): Promise<ProjectPath[]> {
  const { directory } = project;
  // Avoids listing a directory that may have a hundred thousand segments.
  if (keyDigest !== undefined) {
    const own = join(directory, keyDigest);
    const isThere = runtime.files.stat(own)?.kind === "directory";
    return isThere ? [project, projectAt(runtime, own)] : [project];
  }
  const keys: string[] = [];
  let hasOwn = false;
  try {
    for await (const entries of runtime.files.scan(directory)) {
      for (const { kind, name } of entries) {
        if (kind === "file") hasOwn = true;
        else if (kind === "directory" && isKeyDirectory(name)) keys.push(join(directory, name));
      }
    }
  } catch (error) {
    noteUnreadable(directory, error, onUnreadable);
  }
  if (keys.length === 0) return [project];
  return [...hasOwn ? [project] : [], ...keys.sort().map((path) => projectAt(runtime, path))];
}

/** Returns whether a filter matches this project. */
export function isMeant(
  { entity, project }: Pick<ProjectPath, "entity" | "project">,
  filter: ProjectFilter,
): boolean {
  return (filter.entity === undefined || filter.entity === entity) &&
    (filter.project === undefined || filter.project === project);
}

/**
 * Explains why a named log was not found, and which projects exist: `Cannot find a log of project
 * "acme/chta" in …`; `null` if at least one project matches. Does not list any project's directory
 * unless something is missing, since it may have 100,000 files.
 */
export async function missingLogs(
  runtime: Runtime,
  root: string,
  filter: ProjectFilter,
): Promise<{ message: string; hint: string } | null> {
  const { entity, project, ...python } = filter;
  const isAnywhere = hasLogs(runtime, root) || python.pythonRoot !== undefined;
  const roots = [root, python.pythonRoot].filter((path) => path !== undefined);
  for (const path of isAnywhere ? roots : []) {
    if ((await directoriesBelow(runtime, path, filter)).length > 0) return null;
  }
  const all = isAnywhere ? await listProjects(runtime, root, python) : [];
  const of = entity !== undefined && project !== undefined
    ? ` of ${entity}/${project}`
    : entity !== undefined
    ? ` of entity ${entity}`
    : project !== undefined
    ? ` of project ${project}`
    : "";
  const names = all.slice(0, MAX_NAMES).map(projectLabel);
  const more = all.length > MAX_NAMES ? `, and ${all.length - MAX_NAMES} more` : "";
  return {
    message: `Cannot find a log${printable(of)} in ${quoted(root)}`,
    hint: all.length === 0
      ? "No program has written a log there; set another directory with --dir or WEAVE_WAL_DIR"
      : printable(`Projects with logs there: ${names.join(", ")}${more}`),
  };
}

/** Maximum number of projects to name in a message. */
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
    noteUnreadable(path, error, onUnreadable);
    return [];
  }
}

function noteUnreadable(path: string, error: unknown, onUnreadable?: OnUnreadable): void {
  if (hasCode(error, "ENOENT")) return;
  if (onUnreadable === undefined) throw error;
  onUnreadable(path, error);
}

/**
 * Returns the entity and project of a project's directory, or of a directory for an API key inside
 * it.
 */
export function projectAt({ files }: Runtime, directory: string): ProjectPath {
  const isForKey = isKeyDirectory(directory);
  const own = isForKey ? dirname(directory) : directory;
  return {
    entity: nameOfDirectory(files, dirname(own)),
    project: nameOfDirectory(files, own),
    directory,
    ...(isForKey ? { python: { keyDigest: basename(directory) } } : {}),
  };
}

/**
 * Returns whether the root directory of all logs exists.
 *
 * @throws {CommandError} If it is not a directory.
 */
export function hasLogs({ files }: Runtime, root: string): boolean {
  const stat = files.stat(root);
  if (stat === null) return false;
  if (stat.kind === "file" || stat.kind === "other") {
    throw new CommandError(`Cannot use --dir: ${quoted(root)} is not a directory`);
  }
  files.list(root); // Throws if the directory is unreadable.
  return true;
}
