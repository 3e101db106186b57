/**
 * Words that mark work as unfinished, silence a tool, or are retired.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectFiles } from "./files.ts";
import { wordingProblems } from "./glossary.ts";
import { projectRoot } from "../test/process.ts";

// Written so that this file does not contain what it searches for.
const unfinished = /\b(?:TO[D]O|FIX[M]E|XX[X]|HAC[K]|WI[P])\b|^(?:<{7}|>{7})/;
const silenced = /@ts-(?:ignore|nocheck|expect-error)\b|\bdeno-lint-ignore-file\b/;
const focused = /\btest\.(?:only|skip|todo)\b|\bDeno\.test\.(?:only|ignore)\b|^\s*debugger;/;

const text =
  /\.(?:ts|tsx|mjs|md|json|jsonc|sh|yml|yaml|service|timer)$|(?:^|\/)(?:run|Dockerfile|\.gitignore|\.npmrc)$/;

/** Files and folders whose language is clean, and has to stay so. */
const clean = [
  "docs/",
  "examples/",
  "scripts/",
  "src/delivery/async/",
  "src/delivery/calls/",
  "src/delivery/http/",
  "src/delivery/records/",
  "src/wal/segment/",
  "std/",
  "tests/bytes/",
  "tests/docs/",
  "tests/long/",
  "tests/mock_server/",
  "tests/protocol/",
  "tests/runtime/",
  "tests/support/drop_in/",
  "tests/support/mock_server/",
  "tests/support/runtime/",
  "tests/system/",
  "tools/",
  ".github/",
  ".ci/",
  "README.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "CODE_OF_CONDUCT.md",
  "mod.ts",
];
/** The glossary itself, titles of tests, and parts that others still have to clean. */
const exempt = [
  "scripts/check/glossary.ts",
  "docs/internals/test-coverage.md",
  "scripts/conformance/",
];

/** Such words, one line each. */
export function checkWords(): string[] {
  return projectFiles().filter((path) => text.test(path)).flatMap((path) => {
    const content = readFileSync(join(projectRoot, path), "utf8");
    const patterns = path.endsWith(".ts") ? [unfinished, silenced, focused] : [unfinished];
    const marked = content.split("\n").flatMap((line, index) =>
      patterns.some((pattern) => pattern.test(line)) ? [`${path}:${index + 1}: ${line.trim()}`] : []
    );
    return isClean(path) ? [...marked, ...wordingProblems(path, content)] : marked;
  });
}

function isClean(path: string): boolean {
  const begins = (prefix: string) => path.startsWith(prefix);
  return clean.some(begins) && !exempt.some(begins);
}
