/**
 * Checks the TypeScript blocks of README.md, docs/ and JSDoc.
 *
 * All are type-checked. Blocks in JSDoc are also run, unless they are marked `ts ignore` because they
 * need a trace server or a file.
 *
 * @module
 */

import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { projectFiles } from "./files.ts";
import { tool } from "./tool.ts";
import { projectRoot } from "../test/process.ts";

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
    const problems = await tool("deno", ["check", "--doc-only", ...files], { cwd: copy });
    return problems.map((problem) => problem.replaceAll(`file://${copy}/`, ""));
  } finally {
    rmSync(copy, { recursive: true });
  }
}

/** Runs the blocks in JSDoc. They may read files and connect to this machine, but not write. */
export async function runExamples(): Promise<string[]> {
  const allowed = ["--allow-read", "--allow-env", "--allow-sys", "--allow-net=127.0.0.1"];
  const files = withExamples().filter((path) => path.endsWith(".ts"));
  return await tool("deno", ["test", "--doc", "--no-check", "--no-prompt", ...allowed, ...files]);
}

/** Files that contain TypeScript blocks. */
function withExamples(): string[] {
  return projectFiles()
    .filter((path) => /^(?:[^/]+\.md|mod\.ts|(?:docs|src)\/.*\.(?:md|ts))$/.test(path))
    .filter((path) => block.test(readFileSync(join(projectRoot, path), "utf8")));
}
