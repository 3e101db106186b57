/**
 * The runtime of a simulated process, watched and with the mistake of a mutant.
 *
 * @module
 */

import type { FileSystem } from "../../../src/runtime/file_system.ts";
import type { Clock, Runtime } from "../../../src/runtime/runtime.ts";
import type { SimProcess } from "./process.ts";
import type { SimProcessOptions } from "./process_options.ts";
import { WatchedFiles } from "./watched_files.ts";

/** The runtime that the library gets in `process`. */
export function watchedRuntime(
  process: SimProcess,
  { auditor, closings, context, bug }: SimProcessOptions,
  clock: Clock,
): Runtime {
  const { memory } = process;
  const living = (run: () => void): void => {
    if (!process.dead) run();
  };
  const watched: FileSystem = new WatchedFiles(memory.files, {
    beforeRemove: (path) => living(() => auditor.beforeRemove(process, path)),
    beforeReplace: (path, text) => living(() => auditor.beforeReplace(process, path, text)),
    afterReplace: (path) =>
      living(() => {
        if (path.endsWith(`.processes/${process.token}.json`)) {
          process.lastHeartbeat = context.clock.now();
        }
        auditor.afterReplace(path);
      }),
    beforeRename: (from) => living(() => auditor.beforeRemove(process, from)),
    afterRename: (from, to) => living(() => closings.afterRename(from, to)),
    afterAppend: (path, text) => {
      const { ledger, past } = context;
      if (path.endsWith(".deadletter")) ledger.noteDeadLetters(path, past.requests);
      if (path.endsWith(".jsonl") && text !== null) {
        ledger.noteCopies(path.slice(0, -".jsonl".length), text);
      }
    },
  });
  return {
    name: "memory",
    files: bug?.files ? bug.files(watched, memory) : watched,
    process: bug?.process ? bug.process(memory.process) : memory.process,
    clock: bug?.clock ? bug.clock(clock, context.setup) : clock,
  };
}
