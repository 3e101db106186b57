/**
 * Commands that start a program on each runtime.
 *
 * @module
 */

import { createRequire } from "node:module";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { dirname, join } from "@std/path";
import { WeaveWalError } from "../../src/errors.ts";
import { detectRuntime } from "../../src/runtime/detect.ts";

/** The runtimes that the traced program can run under. */
export const RUNTIMES = ["deno", "bun", "node"] as const;

/** One of {@linkcode RUNTIMES}. */
export type DemoRuntime = typeof RUNTIMES[number];

/** A command that starts a program. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** Environment variables that it needs. */
  readonly env: Readonly<Record<string, string>>;
}

/** The runtime that runs this process. */
export function ownRuntime(): DemoRuntime {
  const { name } = detectRuntime();
  return RUNTIMES.find((runtime) => runtime === name) ?? "node";
}

/**
 * The command that starts `entry`, a TypeScript file of this checkout or a JavaScript file of the
 * built package. Its working directory may be anywhere.
 *
 * @param root The folder of the package.
 */
export function commandFor(runtime: DemoRuntime, entry: string, root: string): Command {
  const file = runtime === ownRuntime() ? process.execPath : executable(runtime, root);
  if (runtime === "bun") return { file, args: [entry], env: {} };
  const isSource = entry.endsWith(".ts");
  if (runtime === "deno") {
    const config = isSource ? ["--config", join(root, "deno.json")] : [];
    return { file, args: ["run", "-A", "--quiet", ...config, entry], env: {} };
  }
  if (!isSource) return { file, args: [entry], env: {} };
  const tsx = createRequire(pathToFileURL(entry)).resolve("tsx");
  return {
    file,
    args: ["--import", pathToFileURL(tsx).href, entry],
    // Without it, tsx searches the working directory.
    env: { TSX_TSCONFIG_PATH: join(root, "tsconfig.json") },
  };
}

/**
 * The command that starts `entry`, the URL of a TypeScript file.
 *
 * @throws {WeaveWalError} `ERR_INVALID_OPTION` for a runtime that can only run files on disk.
 */
export function commandAt(runtime: DemoRuntime, entry: string): Command {
  if (runtime !== "deno" || ownRuntime() !== "deno") {
    throw new WeaveWalError(
      "ERR_INVALID_OPTION",
      `Cannot run the traced program of ${entry} on: ${runtime} (only deno runs a program from a ` +
        "URL; npx @weave-wal/client demo has it on this disk)",
    );
  }
  return { file: process.execPath, args: ["run", "-A", "--quiet", entry], env: {} };
}

/** The closest folder at or above `from` that contains package.json. */
export function packageRoot(from: string): string {
  const { files } = detectRuntime();
  for (let at = from; at !== dirname(at); at = dirname(at)) {
    if (files.stat(join(at, "package.json")) !== null) return at;
  }
  throw new WeaveWalError("ERR_INVALID_OPTION", `Cannot find package.json above: ${from}`);
}

/** The runtime's executable: from the package's dependencies, otherwise from the PATH. */
function executable(runtime: DemoRuntime, root: string): string {
  const { files } = detectRuntime();
  for (let at = root;; at = dirname(at)) {
    const found = join(at, "node_modules", ".bin", runtime);
    if (files.stat(found) !== null) return found;
    if (at === dirname(at)) return runtime;
  }
}
