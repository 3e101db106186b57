/**
 * Bundles programs of the project into single files, once per run, or once per test file
 * that is run by itself.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { detectRuntime } from "../../src/runtime/detect.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const bundles = new Map<string, string>();
const REQUIRE =
  'globalThis.require ??= process.getBuiltinModule("node:module").createRequire(import.meta.url);';
/** Directory of the run (`npm test`) or of this process. */
let directory = process.env.TEST_BUNDLES_DIR;

/**
 * Path of an ES module that bundles `entry` with its imports. It works on every runtime,
 * and starts several times faster on Node than TypeScript does under tsx.
 *
 * @param entry Path relative to the project root. @param hasCommonJs Whether CommonJS
 * packages are among the imports.
 */
export function bundled(entry: string, hasCommonJs = false): string {
  let bundle = bundles.get(entry);
  if (bundle === undefined) {
    directory ??= temporaryDirectory();
    const name = relative(root, resolve(root, entry)).replace(/[/\\]/g, "-");
    bundle = join(directory, `${name}${hasCommonJs ? ".cjs" : ""}.mjs`);
    if (!existsSync(bundle)) {
      const own = `${bundle}.${process.pid}`;
      bundleInto(own, entry, "esm", hasCommonJs);
      renameSync(own, bundle);
    }
    bundles.set(entry, bundle);
  }
  return bundle;
}

/** Bundles `entry` into the file `path`. */
export function bundleInto(
  path: string,
  entry: string,
  format: "esm" | "cjs",
  hasCommonJs = false,
): void {
  execFileSync(join(root, "node_modules/.bin/esbuild"), [
    entry,
    "--bundle",
    "--platform=node",
    "--target=node20",
    `--format=${format}`,
    "--log-level=error",
    `--outfile=${path}`,
    // CommonJS packages in an ES module require built-in modules.
    ...hasCommonJs ? [`--banner:js=${REQUIRE}`] : [],
  ], { cwd: root });
}

/**
 * Writes an example that imports the package into `directory`.
 *
 * @returns The path of a module that this runtime can import.
 */
export function writeExample(directory: string, code: string): string {
  const isNode = detectRuntime().name === "node";
  const entry = isNode ? bundled("mod.ts") : join(root, "mod.ts");
  const path = join(directory, "example.mts");
  const own = JSON.stringify(pathToFileURL(entry).href);
  writeFileSync(path, code.replace(/"(?:jsr:)?@weave-wal\/client"/, own));
  if (!isNode) return path;
  const script = join(directory, "example.mjs");
  transpile(path, script);
  return script;
}

/** Transpiles a TypeScript file to JavaScript, as tsx does; its imports are unchanged. */
export function transpile(source: string, target: string): void {
  execFileSync(join(root, "node_modules/.bin/esbuild"), [
    source,
    "--target=node20",
    "--keep-names",
    "--log-level=error",
    `--outfile=${target}`,
  ]);
}

function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), "weave-wal-bundles-"));
  process.once("exit", () => rmSync(path, { recursive: true, force: true }));
  return path;
}
