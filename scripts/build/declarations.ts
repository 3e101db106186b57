/**
 * Writes the declarations for npm: those that a user's compiler can reach, and no others.
 *
 * @module
 */

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { publicEntries } from "./entries.ts";
import { projectRoot, run } from "../test/process.ts";

const comments = /\/\*[^]*?\*\/|\/\/.*$/gm;
const specifiers = /\b(?:from\s*|import\s*\(\s*|import\s+)"([^"]+)"/g;

/**
 * Writes declarations into `out` and says how many.
 *
 * @throws When a public declaration needs types from another package: the npm package has no
 *   dependencies, so its users would not have them.
 */
export async function buildDeclarations(out: string): Promise<number> {
  const { status, output } = await run("tsc", ["-p", "tsconfig.build.json", "--outDir", out]);
  if (status !== 0) throw new Error(`Cannot write declarations:\n${output}`);
  const needed = new Set<string>();
  for (const { types } of publicEntries()) collect(join(out, types.replace("./dist/", "")), needed);
  for (const name of readdirSync(out, { recursive: true, encoding: "utf8" })) {
    if (name.endsWith(".d.ts") && !needed.has(join(out, name))) rmSync(join(out, name));
  }
  for (const path of needed) {
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replace(/"(\.{1,2}\/[^"]+)\.ts"/g, '"$1.js"'));
  }
  return needed.size;
}

function collect(path: string, needed: Set<string>): void {
  if (needed.has(path)) return;
  if (!existsSync(path)) throw new Error(`Cannot find the declarations: ${path}`);
  needed.add(path);
  const code = readFileSync(path, "utf8").replace(comments, "");
  for (const [, specifier] of code.matchAll(specifiers)) {
    if (!specifier.startsWith(".")) {
      const file = path.replace(`${projectRoot}/`, "");
      throw new Error(`Cannot publish types that need a package: ${specifier} in ${file}`);
    }
    collect(resolve(dirname(path), specifier.replace(/\.ts$/, ".d.ts")), needed);
  }
}
