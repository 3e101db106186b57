/**
 * The steps of `npm run check`.
 *
 * @module
 */

import { availableParallelism } from "node:os";
import { publicEntries } from "../build/entries.ts";
import { checkBundleSize } from "./bundle_size.ts";
import { checkDocs } from "./docs.ts";
import { checkErrorCodes } from "./error_codes.ts";
import { checkExamples, runExamples } from "./examples.ts";
import { checkManifests } from "./manifests.ts";
import { checkPublicDocs } from "./public_docs.ts";
import { checkPublish } from "./publish.ts";
import { tool } from "./tool.ts";
import { checkUiPage } from "./ui_page.ts";
import { checkWords } from "./words.ts";
import { inParallel } from "../test/process.ts";

/** Result of one step. */
export interface CheckResult {
  name: string;
  passed: boolean;
  /** Duration in ms. */
  ms: number;
}

/** Returns problems, one line each or as printed by a tool; empty if the step passes. */
type Step = () => string[] | Promise<string[]>;

/** The other examples run on other runtimes; "types (examples)" checks them. */
const denoSources = ["mod.ts", "src", "tools", "tests", "scripts", "examples/deno"];

const steps: Record<string, Step> = {
  "types (deno)": () => tool("deno", ["check", ...denoSources]),
  "published to JSR": checkPublish,
  "examples (types)": checkExamples,
  "examples (run)": runExamples,
  "types (tsc)": () => tool("tsc", ["-p", "."]),
  "types (examples)": () => tool("tsc", ["-p", "examples"]),
  "format": () => tool("deno", ["fmt", "--check"]),
  "lint": () => tool("deno", ["lint"]),
  "documentation": () =>
    tool("deno", ["doc", "--lint", ...publicEntries().map(({ source }) => source)]),
  "documentation (contents)": checkPublicDocs,
  "bundle size": checkBundleSize,
  "page (ui)": checkUiPage,
  "docs": checkDocs,
  "manifests": checkManifests,
  "words": checkWords,
  "error codes": checkErrorCodes,
};

/** Names of the steps. */
export const checkNames: readonly string[] = Object.keys(steps);

/** Runs one step; prints a line, and the whole output if it fails. */
export async function runCheck(name: string): Promise<CheckResult> {
  const start = performance.now();
  const problems = await steps[name]();
  const ms = performance.now() - start;
  const passed = problems.length === 0;
  const seconds = (ms / 1000).toFixed(1);
  if (passed) console.log(`${name}: ok in ${seconds} s`);
  else console.log(`\nFAILED: ${name} (${seconds} s)\n${problems.join("\n")}\n`);
  return { name, passed, ms };
}

/** Runs all steps. */
export async function runChecks(): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  await inParallel(
    checkNames,
    Math.max(2, availableParallelism()),
    async (name) => void results.push(await runCheck(name)),
  );
  return results;
}
