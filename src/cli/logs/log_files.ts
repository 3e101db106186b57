/**
 * Which segments a path on the command line means.
 *
 * @module
 */

import { dirname, isAbsolute, join } from "@std/path";
import { hasCode } from "../../errors.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { listStems, type StemFiles, stemOf } from "../../wal/ownership/segment_status.ts";
import { RETRY_DIRECTORY } from "../../wal/dead_letters/dead_letter_transaction.ts";
import { SEGMENT_SUFFIX } from "../../wal/segment/segment_name.ts";
import { CommandError, EXIT } from "../exit_codes.ts";
import { quoted } from "../terminal/format.ts";
import { listProjects, projectAt, type ProjectFilter, type ProjectPath } from "./projects.ts";

/** The stems of one directory. */
export interface LogDirectory extends ProjectPath {
  readonly stems: readonly StemFiles[];
}

/**
 * The segments that `path` means, oldest first: a file, a project's directory, an entity's, or the
 * root of all logs.
 *
 * @param path Relative to the working directory; `undefined` means `root`.
 * @throws {CommandError} when nothing is there.
 */
export function findLogs(
  runtime: Runtime,
  path: string | undefined,
  root: string,
  filter: ProjectFilter,
): LogDirectory[] {
  const { files } = runtime;
  const target = path === undefined ? root : absolute(runtime, path);
  const stat = files.stat(target);
  if (stat === null) {
    if (path === undefined) return [];
    throw new CommandError(`Cannot read: ${quoted(path)} is not there`, { exitCode: EXIT.usage });
  }
  if (stat.kind === "file") {
    if (!target.endsWith(SEGMENT_SUFFIX)) {
      throw new CommandError(`Cannot read: ${quoted(path ?? root)} is no log file`, {
        hint: `Logs end in ${SEGMENT_SUFFIX}; weave-wal dead-letters reads dead letters`,
      });
    }
    return [{ ...projectAt(runtime, dirname(target)), stems: [stemOf(files, target)] }];
  }
  if (isProject(runtime, target)) return [withStems(runtime, projectAt(runtime, target))];
  const below = listProjects(runtime, target, filter).map((project) => withStems(runtime, project));
  if (path === undefined) return below;
  // Any directory has directories below: these are not all of logs.
  const found = below.filter(({ stems }) => stems.length > 0);
  if (found.length > 0) return found;
  // An entity's directory: its projects stand one level below.
  return files.list(target).filter(({ kind, name }) =>
    kind === "directory" && !name.startsWith(".")
  )
    .map(({ name }) => withStems(runtime, projectAt(runtime, join(target, name))))
    .filter(({ stems }) => stems.length > 0);
}

/** Whether something stands at a path of the command line. */
export function isThere(context: { readonly runtime: Runtime }, path: string): boolean {
  return context.runtime.files.stat(absolute(context.runtime, path)) !== null;
}

function absolute({ process }: Runtime, path: string): string {
  return isAbsolute(path) ? path : join(process.cwd(), path);
}

function isProject({ files }: Runtime, directory: string): boolean {
  return listStems(files, directory).length > 0 ||
    files.stat(join(directory, RETRY_DIRECTORY)) !== null;
}

function withStems({ files }: Runtime, project: ProjectPath): LogDirectory {
  try {
    return { ...project, stems: listStems(files, project.directory) };
  } catch (error) {
    if (hasCode(error, "ENOENT")) return { ...project, stems: [] };
    throw error;
  }
}

/** The stems that have data. */
export function withData(directories: readonly LogDirectory[]): (StemFiles & ProjectPath)[] {
  return directories.flatMap(({ stems, entity, project, directory }) =>
    stems.filter(({ suffixes }) => suffixes.has(SEGMENT_SUFFIX))
      .map((stem) => ({ ...stem, entity, project, directory }))
  );
}
