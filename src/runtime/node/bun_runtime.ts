/**
 * The adapter for Bun.
 *
 * @module
 */

import { systemClock } from "../clock.ts";
import { scanListing } from "./list_directory.ts";
import { nodeFiles } from "./node_fs.ts";
import { nodeProcess } from "./node_process.ts";
import type { Runtime } from "../runtime.ts";

/** A runtime over Bun's built-in modules. */
export function bunRuntime(): Runtime {
  return { name: "bun", files: nodeFiles(scanListing), process: nodeProcess(), clock: systemClock };
}
