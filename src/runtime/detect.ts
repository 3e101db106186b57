/**
 * Detects the JavaScript runtime.
 *
 * @module
 */

import { bareRuntime } from "./edge/edge_runtime.ts";
import { hasBuiltins } from "./builtin_modules.ts";
import { denoRuntime } from "./deno/deno_runtime.ts";
import { bunRuntime, nodeRuntime } from "./node/node_runtime.ts";
import type { Runtime } from "./runtime.ts";

interface HostGlobals {
  Deno?: { version?: { deno?: string } };
  Bun?: { version?: string };
  process?: { versions?: { node?: string } };
}

let detected: Runtime | undefined;

/**
 * Returns the adapter for the current JavaScript runtime, created once. On a runtime without files,
 * every file operation fails with code `ENOSYS`.
 */
export function detectRuntime(): Runtime {
  return detected ??= choose();
}

function choose(): Runtime {
  const { Deno: deno, Bun: bun, process } = globalThis as HostGlobals;
  if (!hasBuiltins()) return bareRuntime();
  // Deno and Bun also report a Node version, for packages that check it.
  if (deno?.version?.deno) return denoRuntime();
  if (bun?.version) return bunRuntime();
  return process?.versions?.node ? nodeRuntime() : bareRuntime();
}
