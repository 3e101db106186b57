/**
 * Finds the files of the package that the demo starts and reads: on disk (in a checkout, or installed
 * from npm) or at a URL (JSR).
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { basename, dirname, join } from "@std/path";
import { WeaveWalError } from "../../src/errors.ts";
import { detectRuntime } from "../../src/runtime/detect.ts";
import { documentsOf } from "./folders.ts";
import { type Command, commandAt, commandFor, type DemoRuntime, packageRoot } from "./runtimes.ts";

/** Files of the package that the demo needs. */
export interface PackageFiles {
  /** Starts the traced program. */
  readonly command: Command;
  /** Paths of the files and folders that the program reads. */
  readonly documents: readonly string[];
}

/** Path in the package, without its extension. */
const PROGRAM = "tools/demo/program/main";
/** Documents that are fetched if the package is at a URL. */
const DOCUMENTS = /^\/(?:[A-Z]+\.md|docs\/(?!internals\/test-coverage)[\w/-]+\.md)$/;
/** Maximum number of concurrent requests. */
const AT_ONCE = 8;

/**
 * Finds the package that `module` belongs to.
 *
 * @param module URL of a module in `tools/demo`, or of the bundle that contains it.
 * @param folder Folder for documents that are fetched.
 */
export async function packageFiles(
  module: string,
  runtime: DemoRuntime,
  folder: string,
): Promise<PackageFiles> {
  if (!module.startsWith("file:")) return await packageAt(module, runtime, folder);
  const here = fileURLToPath(module);
  const root = packageRoot(dirname(here));
  // The build keeps the folders of entries, but this module may be in any chunk below dist.
  const entry = here.endsWith(".ts")
    ? join(root, `${PROGRAM}.ts`)
    : join(root, "dist", `${PROGRAM}.js`);
  return { command: commandFor(runtime, entry, root), documents: documentsOf(root) };
}

async function packageAt(
  module: string,
  runtime: DemoRuntime,
  folder: string,
): Promise<PackageFiles> {
  const top = new URL("../..", module).href.replace(/\/$/, "");
  const command = commandAt(runtime, `${top}/${PROGRAM}.ts`);
  // JSR serves a list of the files of each version.
  const { manifest } = JSON.parse(await textAt(`${top}_meta.json`)) as {
    manifest: Readonly<Record<string, unknown>>;
  };
  const names = Object.keys(manifest).filter((name) => DOCUMENTS.test(name)).sort();
  const documents = join(folder, "documents");
  const { files } = detectRuntime();
  files.makeDirectory(documents);
  const queue = names.values();
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const name of queue) {
      const text = await textAt(top + name);
      files.createExclusive(join(documents, `${basename(dirname(name))}_${basename(name)}`), text);
    }
  }));
  return { command, documents: [documents] };
}

async function textAt(url: string): Promise<string> {
  const answer = await fetch(url);
  if (answer.ok) return await answer.text();
  throw new WeaveWalError("ERR_REQUEST_FAILED", `Cannot fetch ${url}: HTTP ${answer.status}`, {
    status: answer.status,
  });
}
