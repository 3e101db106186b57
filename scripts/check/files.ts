/**
 * The files that the checks read.
 *
 * @module
 */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../test/process.ts";

const ignored = new Set([".git", ".weave", "dist", "node_modules"]);

/** All files of the project, as paths from its root, sorted. */
export function projectFiles(directory = ""): string[] {
  return readdirSync(join(projectRoot, directory), { withFileTypes: true })
    .filter(({ name }) => !ignored.has(name))
    .flatMap((entry) => {
      const path = directory ? `${directory}/${entry.name}` : entry.name;
      if (entry.isDirectory()) return projectFiles(path);
      return entry.isFile() ? [path] : [];
    })
    .sort();
}
