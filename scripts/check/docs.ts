/**
 * Documentation pages: generated ones are up to date, and every link resolves. Mutations
 * match the sources.
 *
 * @module
 */

import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { readJson } from "../build/entries.ts";
import { linkProblems, type LinkTargets } from "../docs/links.ts";
import { generatePages } from "../docs/pages.ts";
import { MUTATIONS } from "../mutate/all.ts";
import { staleMutations } from "../mutate/mutation.ts";
import { projectRoot } from "../test/process.ts";
import { projectFiles } from "./files.ts";

/** Problems in the pages, one line each. */
export function checkDocs(): string[] {
  const { pages, problems } = generatePages();
  const stale = pages.filter(({ path, text }) => readFile(path) !== text)
    .map(({ path }) => `${path} is out of date: run npm run docs`);
  return [...problems, ...stale, ...checkLinks(), ...staleMutations(MUTATIONS, projectRoot)];
}

function checkLinks(): string[] {
  const { files: published } = readJson<{ files: string[] }>("package.json");
  const shipped = [...published, "README.md", "LICENSE", "package.json"];
  const targets: LinkTargets = {
    read: readFile,
    isPublished: (path) => shipped.some((entry) => path === entry || path.startsWith(`${entry}/`)),
  };
  return projectFiles().filter((path) => path.endsWith(".md"))
    .flatMap((path) => linkProblems(path, readFile(path)!, targets));
}

/** Text of a file; an empty string for a folder. */
function readFile(path: string): string | undefined {
  const full = join(projectRoot, path);
  if (!existsSync(full)) return undefined;
  return statSync(full).isDirectory() ? "" : readFileSync(full, "utf8");
}
