/**
 * The public entries of the package. `exports` in deno.json is the only list; the npm
 * build, the manifest check and the package tests use it.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../test/process.ts";

/** One public entry. */
export interface Entry {
  /** `.` or `./name`, as in `exports`. */
  subpath: string;
  /** Its file in the project: `./mod.ts`. */
  source: string;
  /** Its JavaScript in the built package: `./dist/mod.js`. */
  javascript: string;
  /** Its declarations in the built package: `./dist/mod.d.ts`. */
  types: string;
}

/** The part of deno.json that the scripts read. */
export interface DenoManifest {
  name: string;
  version: string;
  license: string;
  exports: Record<string, string>;
  imports: Record<string, string>;
  workspace: string[];
}

/** Reads a JSON file of the project, by its path from the project root. */
export function readJson<Content>(path: string): Content {
  return JSON.parse(readFileSync(join(projectRoot, path), "utf8")) as Content;
}

/** All public entries; the built files keep the folders of their sources. */
export function publicEntries(): Entry[] {
  const { exports } = readJson<DenoManifest>("deno.json");
  return Object.entries(exports).map(([subpath, source]) => {
    const base = `./dist/${source.replace(/^\.\//, "").replace(/\.ts$/, "")}`;
    return { subpath, source, javascript: `${base}.js`, types: `${base}.d.ts` };
  });
}
