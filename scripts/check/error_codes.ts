/**
 * Error codes: every code mentioned in a comment or a document exists in the code, and
 * every public code is thrown somewhere.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectFiles } from "./files.ts";
import { projectRoot } from "../test/process.ts";

/** The file that declares the public codes. */
const DECLARATION = "src/errors.ts";
const CODE = /\bERR_[A-Z][A-Z_]*[A-Z]\b/g;
const COMMENT = /\/\*[^]*?\*\/|(?<=^|\s)\/\/.*$/gm;

/** Problems, one line each. */
export function checkErrorCodes(): string[] {
  const texts = projectFiles()
    .filter((path) => /^(?:src|tools|docs)\/.*\.(?:ts|md)$|^[^/]+\.(?:ts|md)$/.test(path))
    .map((path) => [path, readFileSync(join(projectRoot, path), "utf8")] as const);
  return errorCodeProblems(new Map(texts));
}

/** Like {@linkcode checkErrorCodes}, for the given files. */
export function errorCodeProblems(texts: ReadonlyMap<string, string>): string[] {
  const used = new Set<string>();
  const declared = new Set(codesIn(withoutComments(texts.get(DECLARATION) ?? "")));
  for (const [path, text] of texts) {
    if (path === DECLARATION || !path.endsWith(".ts")) continue;
    for (const code of codesIn(withoutComments(text))) used.add(code);
  }
  const problems = [...declared].filter((code) => !used.has(code))
    .map((code) => `${DECLARATION}: ${code} is never thrown`);
  for (const [path, text] of texts) {
    for (const code of new Set(codesIn(text))) {
      if (declared.has(code) || used.has(code)) continue;
      problems.push(`${path}: ${code} does not exist`);
    }
  }
  return problems;
}

function withoutComments(text: string): string {
  return text.replace(COMMENT, "");
}

function codesIn(text: string): string[] {
  return text.match(CODE) ?? [];
}
