/**
 * The command run from a registry by its name, without an installation.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "@std/path";
import { type DenoManifest, readJson } from "../../../scripts/build/entries.ts";
import { projectRoot, type RunOptions } from "../../../scripts/test/process.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { test } from "../../harness.ts";
import { manifest, packed, succeeds } from "../../support/package/package_fixture.ts";
import { startJsr, startNpm } from "../../support/package/package_registry.ts";

const SLOW = { timeout: 240_000 };
const host = detectRuntime().name;
const only = (name: string): string | false => host === name ? false : `the way of ${name}`;

/** A folder with an empty subfolder, deleted after the test. */
function temporary(): { top: string; empty: string } & Disposable {
  const top = mkdtempSync(join(tmpdir(), "weave-wal-published-"));
  const empty = join(top, "empty");
  mkdirSync(empty);
  return { top, empty, [Symbol.dispose]: () => rmSync(top, { recursive: true }) };
}

/**
 * The command is available under the package's name, and reads logs below the working
 * directory.
 */
async function answers(command: string, args: string[], options: RunOptions): Promise<void> {
  const version = await succeeds(command, [...args, "--version"], options);
  assert.equal(version.output.trim().split("\n").at(-1), manifest.version);
  const status = await succeeds(command, [...args, "status"], options);
  assert.match(status.output, /No logs yet: .*\/empty\/\.weave\/wal\n$/);
}

test("npx runs the command by the name of the package", async () => {
  using place = temporary();
  await using npm = await startNpm(manifest.name, await packed(place.top));
  await answers("npx", ["--yes", manifest.name], {
    cwd: place.empty,
    env: { npm_config_registry: npm.url, npm_config_cache: join(place.top, "cache") },
  });
}, { ...SLOW, skip: only("node") });

test("bunx runs the command by the name of the package", async () => {
  using place = temporary();
  await using npm = await startNpm(manifest.name, await packed(place.top));
  const env = {
    npm_config_registry: npm.url,
    BUN_INSTALL_CACHE_DIR: join(place.top, "cache"),
    TMPDIR: place.top,
  };
  await answers("bunx", [manifest.name], { cwd: place.empty, env });
  await answers("bunx", ["--bun", manifest.name], { cwd: place.empty, env });
}, { ...SLOW, skip: only("bun") });

test("deno runs the command from JSR, the demo included", async () => {
  using place = temporary();
  await using jsr = await startJsr(join(place.top, "published"));
  const { name, exports } = readJson<DenoManifest>("deno.json");
  const env = { JSR_URL: `${jsr.url}/`, DENO_DIR: join(place.top, "deno") };
  const publish = ["publish", "--allow-dirty", "--no-check", "--no-provenance", "--token", "none"];
  await succeeds("deno", publish, { env });
  // The command's npm dependencies are already here, in the published versions.
  writeFileSync(join(place.empty, "deno.json"), '{ "nodeModulesDir": "manual" }');
  const { devDependencies } = readJson<{ devDependencies: unknown }>("package.json");
  writeFileSync(join(place.empty, "package.json"), JSON.stringify({ devDependencies }));
  symlinkSync(join(projectRoot, "node_modules"), join(place.empty, "node_modules"));
  assert.ok("./cli" in exports);
  const run = ["run", "-A", "--quiet", `jsr:${name}/cli`];
  await answers("deno", run, { cwd: place.empty, env });
  const demo = await succeeds("deno", [...run, "demo"], { cwd: place.empty, env });
  assert.match(demo.output, /Every call that the program saw finish arrived/);
}, { ...SLOW, skip: only("deno") });
