/**
 * The adapter for Node.
 *
 * @module
 */

import { systemClock } from "../clock.ts";
import { scanStream } from "./list_directory.ts";
import { nodeFiles } from "./node_fs.ts";
import { nodeProcess } from "./node_process.ts";
import type { Runtime } from "../runtime.ts";

/** A runtime over Node's built-in modules. */
export function nodeRuntime(): Runtime {
  return { name: "node", files: nodeFiles(scanStream), process: nodeProcess(), clock: systemClock };
}
