/**
 * A copy of the project in which mutations are tried, so that an interrupted run leaves
 * the sources unchanged.
 *
 * @module
 */

import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectRoot, run } from "../test/process.ts";
import { type RuntimeName, testCommand } from "../test/runners.ts";
import { mutated, type Mutation, type MutationResult } from "./mutation.ts";

/** Top-level entries that the tests do not need, or that are linked. */
const notCopied = new Set([".git", ".weave", "dist", "node_modules"]);
/** Time limit (ms) of one test file. A mutation may cause an endless loop. */
const LIMIT_MS = 120_000;

/** A copy of the project. */
export class Sandbox {
  /** Path of the copy. */
  readonly directory: string = mkdtempSync(join(tmpdir(), "weave-wal-mutate-"));

  /** Copies the project. */
  constructor() {
    for (const name of readdirSync(projectRoot)) {
      if (notCopied.has(name)) continue;
      cpSync(join(projectRoot, name), join(this.directory, name), { recursive: true });
    }
    symlinkSync(join(projectRoot, "node_modules"), join(this.directory, "node_modules"));
  }

  /** Runs one test file; returns its output if it fails, otherwise `null`. */
  async test(file: string, runtime: RuntimeName): Promise<string | null> {
    const [command, args] = testCommand(runtime, `tests/${file}`);
    const { status, output } = await run(command, args, {
      cwd: this.directory,
      limitMs: LIMIT_MS,
    });
    return status === 0 ? null : output;
  }

  /** Tries a mutation with its test files, until one of them fails. */
  async try(mutation: Mutation): Promise<MutationResult> {
    const start = performance.now();
    const path = join(this.directory, mutation.file);
    const source = readFileSync(path, "utf8");
    let foundBy: string | null = null;
    writeFileSync(path, mutated(source, mutation));
    try {
      for (const file of mutation.tests) {
        if (await this.test(file, mutation.runtime ?? "bun") === null) continue;
        foundBy = file;
        break;
      }
    } finally {
      writeFileSync(path, source);
    }
    return { mutation, foundBy, ms: performance.now() - start };
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
