/**
 * The project directories in the root of all logs.
 *
 * @module
 */

import { join } from "@std/path";
import type { Runtime } from "../../runtime/runtime.ts";

/** Returns the project directories in the root of all logs, starting with `first`. */
export function projectDirectories(runtime: Runtime, root: string, first?: string): string[] {
  const found: string[] = [];
  for (const entity of directoriesIn(runtime, root)) {
    found.push(...directoriesIn(runtime, entity));
  }
  found.sort();
  return first === undefined ? found : [first, ...found.filter((path) => path !== first)];
}

function directoriesIn({ files }: Runtime, path: string): string[] {
  try {
    return files.list(path).filter(({ kind, name }) => kind === "directory" && name[0] !== ".")
      .map(({ name }) => join(path, name));
  } catch {
    return [];
  }
}
