/**
 * Bundles programs of the project into single files, once a test process.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const bundles = new Map<string, string>();
const REQUIRE =
  'globalThis.require ??= process.getBuiltinModule("node:module").createRequire(import.meta.url);';
let directory: string | undefined;

/**
 * Path of an ES module that holds `entry` and everything that it imports. It runs on every runtime,
 * and starts several times faster on Node than TypeScript does under tsx.
 *
 * @param entry Path from the project's top.
 * @param hasCommonJs Whether CommonJS packages are among the imports.
 */
export function bundled(entry: string, hasCommonJs = false): string {
  let bundle = bundles.get(entry);
  if (bundle === undefined) {
    directory ??= temporaryDirectory();
    bundle = join(directory, `${bundles.size}-${basename(entry, ".ts")}.mjs`);
    bundleInto(bundle, entry, "esm", hasCommonJs);
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
    // CommonJS packages inside an ES module require built-in modules.
    ...hasCommonJs ? [`--banner:js=${REQUIRE}`] : [],
  ], { cwd: root });
}

/** Turns one TypeScript file into JavaScript, as tsx does; its imports stay as they are. */
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
