/**
 * Words that mark work as unfinished, or that silence a tool.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectFiles } from "./files.ts";
import { projectRoot } from "../test/process.ts";

// Written so that this file does not hold what it looks for.
const unfinished = /\b(?:TO[D]O|FIX[M]E|XX[X]|HAC[K]|WI[P])\b|^(?:<{7}|>{7})/;
const silenced = /@ts-(?:ignore|nocheck|expect-error)\b|\bdeno-lint-ignore-file\b/;
const focused = /\btest\.(?:only|skip|todo)\b|\bDeno\.test\.(?:only|ignore)\b|^\s*debugger;/;

const text = /\.(?:ts|md|json|jsonc|sh|yml|yaml)$|(?:^|\/)(?:run|\.gitignore|\.npmrc)$/;

/** Where such words stand. */
export function checkWords(): string[] {
  return projectFiles().filter((path) => text.test(path)).flatMap((path) => {
    const patterns = path.endsWith(".ts") ? [unfinished, silenced, focused] : [unfinished];
    return readFileSync(join(projectRoot, path), "utf8").split("\n").flatMap((line, index) =>
      patterns.some((pattern) => pattern.test(line)) ? [`${path}:${index + 1}: ${line.trim()}`] : []
    );
  });
}
