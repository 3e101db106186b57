/**
 * `npm run docs`: writes the generated pages of `docs/`. `npm run check` reports outdated
 * ones.
 *
 * @module
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { generatePages } from "./docs/pages.ts";
import { projectRoot } from "./test/process.ts";

const { pages, problems } = generatePages();
for (const { path, text } of pages) {
  writeFileSync(join(projectRoot, path), text);
  console.log(path);
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
