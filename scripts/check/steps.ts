/**
 * The steps of `npm run check`.
 *
 * @module
 */

import { availableParallelism } from "node:os";
import { publicEntries } from "../build/entries.ts";
import { checkBundleSize } from "./bundle_size.ts";
import { checkDocs } from "./docs.ts";
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
}

/** Returns problems, one line each or as printed by a tool; none if the step passes. */
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
};

/** Runs all steps, prints a line for each and the whole output of those that fail. */
export async function runChecks(): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  await inParallel(
    Object.entries(steps),
    Math.max(2, availableParallelism()),
    async ([name, step]) => {
      const start = performance.now();
      const problems = await step();
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      const passed = problems.length === 0;
      results.push({ name, passed });
      if (passed) console.log(`${name}: ok in ${seconds} s`);
      else console.log(`\nFAILED: ${name} (${seconds} s)\n${problems.join("\n")}\n`);
    },
  );
  return results;
}
