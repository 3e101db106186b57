/**
 * Traces the requests of the OpenAI and Anthropic SDKs without changes to the program:
 *
 * ```sh
 * node --import @weave-wal/client/instrument app.mjs
 * bun --preload @weave-wal/client/instrument app.ts
 * deno run -A --preload jsr:@weave-wal/client/instrument app.ts
 * ```
 *
 * Or as the first line of the program: `import "@weave-wal/client/instrument";`. Calls are recorded
 * once `init` has been called.
 *
 * @module
 */

import { shared } from "../runtime/process/shared_state.ts";
import { standardError } from "../runtime/standard_error.ts";
import { loadInstalled, watchImports, watchRequire } from "./find_sdks.ts";
import { patchSdk, type Sdk, SDKS } from "./patch_sdk.ts";

/** Shared by all copies of the package, so that SDKs are patched only once. */
const state = shared("instrumented", () => ({ done: false }));

if (!state.done) {
  state.done = true;
  // A failure to trace an SDK must not end the program.
  const quietly = (step: () => void): void => {
    try {
      step();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      standardError.warn(`weave-wal: Cannot trace the SDKs of model providers: ${why}`);
    }
  };
  const seen = (sdk: Sdk, exports: unknown) => quietly(() => patchSdk(sdk, exports));
  quietly(() => watchRequire(SDKS, seen));
  quietly(() => watchImports(SDKS, seen));
  await loadInstalled(SDKS, seen);
}
