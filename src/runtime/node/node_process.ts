/**
 * Facts about processes on Node and Bun.
 *
 * @module
 */

import { builtin } from "../builtin_modules.ts";
import { processFacts } from "../process/process_info.ts";
import type { ProcessFacts } from "../runtime.ts";

/** Facts of this process, and what can be learnt of others. */
export function nodeProcess(): ProcessFacts {
  const process = builtin("node:process");
  return processFacts({
    granted: (_, ask) => {
      try {
        return ask();
      } catch {
        return undefined; // Not there, or refused by Node's permission model.
      }
    },
    events: {
      beforeExit: (fired) => void process.on("beforeExit", () => fired(() => {})),
      exit: (fired) => void process.on("exit", fired),
    },
  });
}
