/**
 * Distinguishes the directories of projects from other directories: a mistyped `--dir` must not look
 * like a log in which nothing is pending.
 *
 * @module
 */

import { basename, dirname, join } from "@std/path";
import { hasCode } from "../../errors.ts";
import type { FileSystem } from "../../runtime/file_system.ts";
import { PROCESSES_DIRECTORY } from "../../wal/processes/presence_state.ts";
import { isKeyDirectory } from "../../wal/processes/python_writer.ts";
import { parseStem } from "../../wal/segment/segment_name.ts";

/**
 * Returns the directories that are those of projects. Where everything is delivered, the directory
 * of a project is empty: empty directories count if nothing else in the root contradicts.
 *
 * @param directories Directories two levels below the root.
 */
export async function projectsAmong(
  files: FileSystem,
  root: string,
  directories: readonly string[],
): Promise<string[]> {
  // Avoids listing every project where a program of this package has written.
  if (directories.length === 0 || isMarked(files, root)) return [...directories];
  const contents = new Map<string, Content>();
  for (const directory of directories) contents.set(directory, await contentOf(files, directory));
  const parents = new Set([root, ...directories.map((directory) => dirname(directory))]);
  const isOnlyLogs = ![...contents.values()].includes("other") &&
    ![...parents].some((parent) => hasFiles(files, parent));
  return directories.filter((directory) =>
    contents.get(directory) === "log" || (isOnlyLogs && contents.get(directory) === "empty")
  );
}

/** Returns whether a program of this package has made or used this root. */
function isMarked(files: FileSystem, root: string): boolean {
  return hasOwnGitignore(files, root) ||
    files.stat(join(root, PROCESSES_DIRECTORY))?.kind === "directory";
}

function hasOwnGitignore(files: FileSystem, root: string): boolean {
  // The one in `.weave` is for the root below it.
  if (basename(root) === ".weave") return false;
  const path = join(root, ".gitignore");
  try {
    return files.stat(path)?.size === 2 && files.readText(path) === "*\n";
  } catch {
    return false;
  }
}

type Content = "log" | "empty" | "other";

async function contentOf(files: FileSystem, directory: string): Promise<Content> {
  let content: Content = "empty";
  try {
    for await (const entries of files.scan(directory)) {
      for (const { kind, name } of entries) {
        if (isOfLog(kind, name)) return "log";
        if (!name.startsWith(".")) content = "other";
      }
    }
  } catch (error) {
    // An unreadable directory must not look like one without logs.
    return hasCode(error, "ENOENT") ? "empty" : "log";
  }
  return content;
}

function isOfLog(kind: string, name: string): boolean {
  if (kind === "directory") return isKeyDirectory(name);
  return /\.(?:jsonl|deadletter)$/.test(name) || parseStem(name.replace(/\..*/s, "")) !== null;
}

function hasFiles(files: FileSystem, directory: string): boolean {
  try {
    return files.list(directory).some(({ kind, name }) => kind === "file" && !name.startsWith("."));
  } catch {
    return false;
  }
}
