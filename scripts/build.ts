/**
 * Builds the npm package: `npm run build [-- --out dist]`.
 *
 * @module
 */

import { rmSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { buildDeclarations } from "./build/declarations.ts";
import { buildJavaScript } from "./build/javascript.ts";
import { projectRoot } from "./test/process.ts";

const { values } = parseArgs({ options: { out: { type: "string", default: "dist" } } });
const out = resolve(projectRoot, values.out);
try {
  rmSync(out, { recursive: true, force: true });
  const [files, declarations] = await Promise.all([buildJavaScript(out), buildDeclarations(out)]);
  for (const { path, bytes } of files) {
    console.log(`${path.padEnd(40)}${(bytes / 1024).toFixed(1).padStart(9)} KiB`);
  }
  console.log(`and ${declarations} declaration files in ${out}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
