/**
 * Writes the declarations for npm: only those that a user's compiler can reach.
 *
 * @module
 */

import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { publicEntries } from "./entries.ts";
import { projectRoot, run } from "../test/process.ts";

/** Types of the web platform that a user's compiler may lack. */
const WEB_TYPES = "web_types.d.ts";
const webTypes = join(projectRoot, "scripts/build", WEB_TYPES);
/** Names that need a TypeScript library newer than ES2022. */
const disposable = /\bSymbol\.(?:asyncDispose|dispose)\b|\b(?:Async)?Disposable\b/;

const comments = /\/\*[^]*?\*\/|\/\/.*$/gm;
const specifiers = /\b(?:from\s*|import\s*\(\s*|import\s+)"([^"]+)"/g;

/**
 * Writes declarations into `out` and returns their number.
 *
 * @throws If a public declaration needs types from another package: the npm package has
 * no dependencies, so its users would not have them.
 */
export async function buildDeclarations(out: string): Promise<number> {
  const { status, output } = await run("tsc", ["-p", "tsconfig.build.json", "--outDir", out]);
  if (status !== 0) throw new Error(`Cannot write declarations:\n${output}`);
  const needed = new Set<string>();
  for (const { types } of publicEntries()) collect(join(out, types.replace("./dist/", "")), needed);
  for (const name of readdirSync(out, { recursive: true, encoding: "utf8" })) {
    if (name.endsWith(".d.ts") && !needed.has(join(out, name))) rmSync(join(out, name));
  }
  copyFileSync(webTypes, join(out, WEB_TYPES));
  for (const path of needed) {
    const text = readFileSync(path, "utf8").replace(/"(\.{1,2}\/[^"]+)\.ts"/g, '"$1.js"');
    writeFileSync(path, selfContained(text, relative(dirname(path), out)));
  }
  return needed.size + 1;
}

/**
 * Declarations that compile with only `lib: ["es2022"]`, from TypeScript 5.2 on.
 *
 * @param up Relative path from the file's folder to the root of the package's files.
 */
function selfContained(text: string, up: string): string {
  const code = text.replace(comments, "");
  const names = [...readFileSync(webTypes, "utf8").matchAll(/^export type (\w+)/gm)]
    .map(([, name]) => name)
    .filter((name) => new RegExp(`\\b${name}\\b`).test(code));
  return [
    disposable.test(code) ? '/// <reference lib="esnext.disposable" />\n' : "",
    names.length > 0
      ? `import type { ${names.join(", ")} } from "${up || "."}/${WEB_TYPES}";\n`
      : "",
    // Before TypeScript 5.7, typed arrays have no type parameter for their buffer.
    text.replaceAll("Uint8Array<ArrayBuffer>", "ReturnType<typeof Uint8Array.of>"),
  ].join("");
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
