/**
 * Finds the segments for a path on the command line.
 *
 * @module
 */

import { dirname, isAbsolute, join } from "@std/path";
import { hasCode } from "../../errors.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import {
  deadLettersAreFor,
  listSegments,
  type SegmentFiles,
  stemOf,
} from "../../wal/orphans/segment_status.ts";
import { RETRY_DIRECTORY } from "../../wal/dead_letters/dead_letter_transaction.ts";
import { SEGMENT_SUFFIX } from "../../wal/segment/segment_name.ts";
import { CommandError } from "../exit_codes.ts";
import { quoted } from "../terminal/format.ts";
import {
  listProjects,
  type LogFilter,
  projectAt,
  type ProjectFilter,
  type ProjectPath,
} from "./projects.ts";

/** The segments of one directory, including files of removed segments. */
export interface LogDirectory extends ProjectPath {
  readonly stems: readonly SegmentFiles[];
}

/**
 * Finds the segments at `path`, oldest first: a file, a project's directory, an entity's, or the
 * root of all logs.
 *
 * @param path Relative to the working directory; `undefined` means `root`.
 * @throws {CommandError} If nothing exists there.
 */
export async function findLogs(
  runtime: Runtime,
  path: string | undefined,
  root: string,
  filter: LogFilter,
): Promise<LogDirectory[]> {
  const { server } = filter;
  const found = await findAll(runtime, path, root, filter);
  if (server === undefined) return found;
  return found.map(({ stems, ...project }) => ({
    ...project,
    stems: stems.filter((stem) => deadLettersAreFor(runtime, stem, server)),
  }));
}

async function findAll(
  runtime: Runtime,
  path: string | undefined,
  root: string,
  filter: ProjectFilter,
): Promise<LogDirectory[]> {
  const { files } = runtime;
  const target = path === undefined ? root : absolute(runtime, path);
  const stat = files.stat(target);
  if (stat === null) {
    if (path === undefined) return [];
    throw new CommandError(`Cannot read: ${quoted(path)} does not exist`);
  }
  if (stat.kind === "file") {
    if (!target.endsWith(SEGMENT_SUFFIX)) {
      throw new CommandError(`Cannot read: ${quoted(path ?? root)} is not a log file`, {
        hint: `Logs end in ${SEGMENT_SUFFIX}; weave-wal dead-letters reads dead letters`,
      });
    }
    return [{ ...projectAt(runtime, dirname(target)), stems: [stemOf(files, target)] }];
  }
  const own = await withStems(runtime, projectAt(runtime, target));
  if (own.stems.length > 0 || files.stat(join(target, RETRY_DIRECTORY)) !== null) return [own];
  const below = await allWithStems(runtime, await listProjects(runtime, target, filter));
  if (path === undefined) return below;
  // Any directory has subdirectories, but not all contain logs.
  const found = below.filter(({ stems }) => stems.length > 0);
  if (found.length > 0) return found;
  // An entity's directory, with projects one level below.
  const projects = files.list(target)
    .filter(({ kind, name }) => kind === "directory" && !name.startsWith("."))
    .map(({ name }) => projectAt(runtime, join(target, name)));
  return (await allWithStems(runtime, projects)).filter(({ stems }) => stems.length > 0);
}

/** Returns whether a path on the command line exists. */
export function isThere(context: { readonly runtime: Runtime }, path: string): boolean {
  return context.runtime.files.stat(absolute(context.runtime, path)) !== null;
}

function absolute({ process }: Runtime, path: string): string {
  return isAbsolute(path) ? path : join(process.cwd(), path);
}

async function allWithStems(
  runtime: Runtime,
  projects: readonly ProjectPath[],
): Promise<LogDirectory[]> {
  const found: LogDirectory[] = [];
  for (const project of projects) found.push(await withStems(runtime, project));
  return found;
}

async function withStems(runtime: Runtime, project: ProjectPath): Promise<LogDirectory> {
  try {
    return { ...project, stems: await listSegments(runtime, project.directory) };
  } catch (error) {
    if (hasCode(error, "ENOENT")) return { ...project, stems: [] };
    throw error;
  }
}

/** Returns the stems that have data. */
export function withData(directories: readonly LogDirectory[]): (SegmentFiles & ProjectPath)[] {
  return directories.flatMap(({ stems, entity, project, directory }) =>
    stems.filter(({ suffixes }) => suffixes.has(SEGMENT_SUFFIX))
      .map((stem) => ({ ...stem, entity, project, directory }))
  );
}
