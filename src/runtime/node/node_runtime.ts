/**
 * The adapter for Node and Bun.
 *
 * @module
 */

import { systemClock } from "../clock.ts";
import type { Runtime } from "../runtime.ts";
import { scanListing, scanStream } from "./list_directory.ts";
import { nodeFiles } from "./node_fs.ts";
import { nodeProcess } from "./node_process.ts";

/** A runtime over Node's built-in modules. */
export function nodeRuntime(): Runtime {
  const files = nodeFiles({ scan: scanStream });
  return { name: "node", files, process: nodeProcess(), clock: systemClock };
}

/** A runtime over Bun's built-in modules. */
export function bunRuntime(): Runtime {
  const files = nodeFiles({ scan: scanListing });
  return { name: "bun", files, process: nodeProcess(), clock: systemClock };
}
