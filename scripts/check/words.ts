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
  /\.(?:ts|tsx|mjs|cjs|py|md|json|jsonc|sh|yml|yaml|service|timer)$|(?:^|\/)(?:run|Dockerfile|\.gitignore|\.npmrc)$/;

/** The glossary itself. */
const exempt = "scripts/check/glossary.ts";

/** Occurrences of such words, one line each. */
export function checkWords(): string[] {
  return projectFiles().filter((path) => text.test(path)).flatMap((path) => {
    const content = readFileSync(join(projectRoot, path), "utf8");
    const patterns = path.endsWith(".ts") ? [unfinished, silenced, focused] : [unfinished];
    const marked = content.split("\n").flatMap((line, index) =>
      patterns.some((pattern) => pattern.test(line)) ? [`${path}:${index + 1}: ${line.trim()}`] : []
    );
    return path === exempt ? marked : [...marked, ...wordingProblems(path, content)];
  });
}
