/**
 * Selects the test files of a run.
 *
 * @module
 */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "./process.ts";
import type { RuntimeName } from "./runners.ts";

/** The files of one part of the suite. */
export type Part = "short" | "long" | "all";

/** Test files below this folder belong only to `npm run test:all`. */
const longFolder = "tests/long/";

/**
 * Folders with the slowest files. They run first, so that no slow file runs by itself at
 * the end.
 */
const slowFolders = [
  "tests/long/",
  "tests/system/",
  "tests/jetstream/",
  "tests/delivery/",
  "tests/cli/",
];

/**
 * Files that test pages, manifests and scripts: their results do not depend on the runtime. `npm
 * test` runs them on one runtime, `npm run test:all` on each.
 */
const sameEverywhere = [
  "tests/docs/coverage_test.ts",
  "tests/docs/error_codes_test.ts",
  "tests/docs/glossary_test.ts",
  "tests/docs/import_direction_test.ts",
  "tests/docs/links_test.ts",
  "tests/docs/runbook_test.ts",
  "tests/docs/systemd_test.ts",
  "tests/system/conformance_test.ts",
  "tests/system/package/package_counts_test.ts",
  "tests/system/test_queue_test.ts",
];

/** The runtimes of `npm test` for a file: Node, or else the first, if its result is the same. */
export function runtimesOf(file: string, runtimes: readonly RuntimeName[]): RuntimeName[] {
  if (!sameEverywhere.includes(file)) return [...runtimes];
  return [runtimes.includes("node") ? "node" : runtimes[0]];
}

/**
 * Test files as paths from the project root, those of slow folders first.
 *
 * @param words Keeps the files whose path contains at least one of these words; all if
 * empty. A word that matches a long file selects it even if the part is `short`.
 */
export function testFiles(part: Part, words: readonly string[]): string[] {
  return readdirSync(join(projectRoot, "tests"), { recursive: true, encoding: "utf8" })
    .map((name) => `tests/${name.replaceAll("\\", "/")}`)
    .filter((path) => path.endsWith("_test.ts"))
    .filter((path) => words.length === 0 || words.some((word) => path.includes(word)))
    .filter((path) =>
      part === "all" || path.startsWith(longFolder) === (part === "long") || words.length > 0
    )
    .sort()
    .sort((a, b) => slownessOf(a) - slownessOf(b));
}

function slownessOf(path: string): number {
  const index = slowFolders.findIndex((folder) => path.startsWith(folder));
  return index === -1 ? slowFolders.length : index;
}
