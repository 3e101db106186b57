/**
 * The code that readers copy: TypeScript blocks of README.md, docs/ and JSDoc.
 *
 * A block marked `ts` is type-checked and run; one marked `ts ignore` (it needs a server or a file)
 * is type-checked only.
 *
 * @module
 */

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { projectFiles } from "./check_files.ts";
import { projectRoot, run } from "./test_process.ts";

const block = /^[ *]*```(?:ts|typescript)\b/m;
const ignoredBlock = /^([ *]*```(?:ts|typescript)) ignore\b/gm;

/** Type-checks all blocks. */
export async function checkExamples(): Promise<string[]> {
  const copy = mkdtempSync(join(tmpdir(), "weave-wal-examples-"));
  try {
    const files = withExamples();
    for (const path of ["mod.ts", "src", "std", "deno.json", "package.json"]) {
      cpSync(join(projectRoot, path), join(copy, path), { recursive: true });
    }
    symlinkSync(join(projectRoot, "node_modules"), join(copy, "node_modules"));
    // Deno leaves ignored blocks out of both checking and running.
    for (const path of files) {
      const text = readFileSync(join(projectRoot, path), "utf8");
      mkdirSync(dirname(join(copy, path)), { recursive: true });
      writeFileSync(join(copy, path), text.replace(ignoredBlock, "$1"));
    }
    const { status, ending, output } = await run("deno", ["check", "--doc-only", ...files], {
      cwd: copy,
    });
    if (status === 0) return [];
    return [`deno check: ${ending}`, output.replaceAll(`file://${copy}/`, "").trimEnd()];
  } finally {
    rmSync(copy, { recursive: true });
  }
}

/** Runs the blocks that are not ignored; they may read, but neither write nor use the network. */
export async function runExamples(): Promise<string[]> {
  const allowed = ["--allow-read", "--allow-env", "--allow-sys", "--no-prompt"];
  const { status, ending, output } = await run("deno", [
    "test",
    "--doc",
    "--no-check",
    ...allowed,
    ...withExamples(),
  ]);
  return status === 0 ? [] : [`deno test --doc: ${ending}`, output.trimEnd()];
}

/** Files that show TypeScript. */
function withExamples(): string[] {
  return projectFiles()
    .filter((path) => /^(?:[^/]+\.md|mod\.ts|(?:docs|src)\/.*\.(?:md|ts))$/.test(path))
    .filter((path) => block.test(readFileSync(join(projectRoot, path), "utf8")));
}
