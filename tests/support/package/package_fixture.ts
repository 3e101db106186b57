/**
 * The npm package, built and packed.
 *
 * @module
 */

import assert from "node:assert/strict";
import { copyFileSync, cpSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "@std/path";
import { readJson } from "../../../scripts/build/entries.ts";
import { type Outcome, projectRoot, run, type RunOptions } from "../../../scripts/test/process.ts";

/** `package.json`. */
export const manifest: { name: string; version: string; bin?: Record<string, string> } = readJson(
  "package.json",
);

/** Builds and packs the package; returns the path of the tarball in `top`. */
export async function packed(top: string): Promise<string> {
  const stage = join(top, "stage");
  mkdirSync(stage);
  const scripts = ["--import", "tsx", "scripts/build.ts", "--out", join(stage, "dist")];
  await succeeds("node", scripts);
  for (const name of readdirSync(projectRoot)) {
    if (/^(?:package\.json|LICENSE|.*\.md)$/.test(name)) {
      copyFileSync(join(projectRoot, name), join(stage, name));
    }
  }
  cpSync(join(projectRoot, "docs"), join(stage, "docs"), { recursive: true });
  // Already built.
  await succeeds("npm", ["pack", "--ignore-scripts", "--pack-destination", top], { cwd: stage });
  const tarball = readdirSync(top).find((name) => name.endsWith(".tgz")) ?? "none";
  assert.ok(tarball.includes(manifest.version), `tarball: ${tarball}`);
  return join(top, tarball);
}

/** Runs a command that must succeed. */
export async function succeeds(
  command: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<Outcome> {
  const outcome = await run(command, args, options);
  assert.equal(outcome.status, 0, `${command} ${args.join(" ")}: ${outcome.output}`);
  return outcome;
}
