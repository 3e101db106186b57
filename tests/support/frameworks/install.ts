/**
 * Installs the frameworks and bundlers of the long tests once into a cache outside of the
 * project, and the package under test next to them.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { projectRoot, run } from "../../../scripts/test/process.ts";
import { packed, succeeds } from "../package/package_fixture.ts";

/** Timeout of an installation, ms. */
const INSTALL_MS = 8 * 60_000;

/** Directory of the frameworks, or why they cannot be installed. */
export type Installed = { readonly directory: string } | { readonly missing: string };

/**
 * Installs the dependencies of a folder's `package.json`, unless they are cached. The
 * cache is `~/.cache/weave-wal-tests`, or the directory `WEAVE_WAL_TEST_CACHE`.
 *
 * @param folder Path below `tests/support`.
 */
export async function frameworks(folder = "frameworks"): Promise<Installed> {
  const manifest = join(projectRoot, "tests/support", folder, "package.json");
  const cache = process.env.WEAVE_WAL_TEST_CACHE ?? join(homedir(), ".cache/weave-wal-tests");
  const version = createHash("sha256").update(readFileSync(manifest)).digest("hex").slice(0, 12);
  const directory = join(cache, version);
  const complete = join(directory, "complete");
  if (existsSync(complete)) return { directory };
  try {
    mkdirSync(directory, { recursive: true });
    copyFileSync(manifest, join(directory, "package.json"));
  } catch (error) {
    return { missing: `the cache cannot be written: ${error}` };
  }
  const { status, output } = await run("npm", ["install", "--no-audit", "--no-fund"], {
    cwd: directory,
    limitMs: INSTALL_MS,
  });
  if (status !== 0) {
    const [line] = output.split("\n").filter((text) => text.includes("npm error"));
    return { missing: `npm install failed: ${line ?? output.slice(-200)}` };
  }
  mkdirSync(complete);
  return { directory };
}

/** A folder from which the frameworks and the built package can be imported. */
export interface App {
  readonly directory: string;
  [Symbol.dispose](): void;
}

/** The package, packed once per test process. */
let tarball: Promise<string> | undefined;

function packOnce(): Promise<string> {
  const top = mkdtempSync(join(tmpdir(), "weave-wal-packed-"));
  process.once("exit", () => rmSync(top, { recursive: true, force: true }));
  return packed(top);
}

/** Creates a folder for an app, with the packed package. */
export async function makeApp(installed: string): Promise<App> {
  const directory = mkdtempSync(join(installed, "app-"));
  const target = join(directory, "node_modules/@weave-wal/client");
  mkdirSync(target, { recursive: true });
  const path = await (tarball ??= packOnce());
  await succeeds("tar", ["-xzf", path, "-C", target, "--strip-components=1"]);
  return {
    directory,
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}
