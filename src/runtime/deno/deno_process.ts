/**
 * Facts about processes on Deno. What was not granted is unknown: nothing here asks the user or
 * throws. Under `/proc` Deno wants all permissions.
 *
 * @module
 */

import { processFacts } from "../process/process_info.ts";
import type { ProcessFacts } from "../runtime.ts";
import type { DenoSlice } from "./deno_types.ts";

/** Facts of this process, and what can be learnt of others. */
export function denoProcess(deno: DenoSlice): ProcessFacts {
  return processFacts({
    // Asks only for what is granted already, because an ask beyond that may stop at a prompt.
    granted: (permission, ask) => {
      try {
        const { state, partial } = deno.permissions.querySync(permission);
        return state === "granted" && !partial ? ask() : undefined;
      } catch {
        return undefined;
      }
    },
    // `process.on("exit")` does not fire at `Deno.exit`.
    events: {
      beforeExit: (fired) =>
        addEventListener("beforeunload", (event) => fired(() => event.preventDefault())),
      exit: (fired) => addEventListener("unload", fired),
    },
  });
}
