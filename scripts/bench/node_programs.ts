/**
 * Builds the programs of the benchmarks for Node, as the package itself is built. A loader that
 * translates TypeScript keeps the names of functions with a call for each function that is created,
 * which no user of the package pays.
 *
 * @module
 */

import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { build } from "esbuild";
import { projectRoot } from "../test/process.ts";

/** Folders whose modules are programs. */
const FOLDERS = ["scripts/bench/programs", "scripts/bench/servers"];
/** Programs of other folders. */
const OTHERS = ["scripts/mock.ts", "src/cli/main.ts"];

/** Programs that Node runs without a loader. */
export interface NodePrograms {
  /** Path of the built program. `source` is relative to the project. */
  path(source: string): string;
  /** Deletes them. */
  remove(): void;
}

/** Builds all programs, in a folder where they find the packages of the project. */
export async function buildNodePrograms(): Promise<NodePrograms> {
  const folder = join(projectRoot, "node_modules", ".cache", `weave-wal-bench-${process.pid}`);
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const listed = FOLDERS.flatMap((name) =>
    readdirSync(join(projectRoot, name)).map((file) => `${name}/${file}`)
  );
  try {
    await build({
      absWorkingDir: projectRoot,
      entryPoints: [...listed, ...OTHERS],
      outdir: folder,
      outbase: ".",
      bundle: true,
      splitting: true,
      packages: "external",
      format: "esm",
      platform: "node",
      target: "es2022",
      logLevel: "warning",
    });
    writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  } catch (error) {
    remove();
    throw error;
  }
  return { path: (source) => join(folder, source.replace(/\.ts$/, ".js")), remove };
}
