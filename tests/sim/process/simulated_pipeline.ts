/**
 * The library in a simulated process.
 *
 * @module
 */

import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import type { WalEvent } from "../../../src/client/pipeline/status/events.ts";
import type { Pipeline } from "../../../src/client/pipeline/pipeline.ts";
import type { Clock } from "../../../src/runtime/runtime.ts";
import type { SimProcess } from "./process.ts";
import type { SimProcessOptions } from "./process_options.ts";
import type { Random } from "../scenario/random.ts";
import { SimServers } from "../server/server.ts";
import { watchedRuntime } from "./watched_runtime.ts";

/** Directory of the logs. */
export const WAL_DIR = "/home/.weave/wal";

/** Opens the pipeline of a process with the settings of its step. */
export function simulatedPipeline(
  process: SimProcess,
  options: SimProcessOptions,
  clock: Clock,
  onEvent: (event: WalEvent) => void,
): Pipeline {
  const { context, servers, step, bug } = options;
  const fetchOf = servers.fetchOf(process);
  return openPipeline({
    ...context.setup,
    runtime: watchedRuntime(process, options, clock),
    fetch: bug?.fetch ? bug.fetch(fetchOf) : fetchOf,
    random: () => process.random.next(),
    token: tokensFrom(process.token, process.random),
    entity: "e",
    project: `p${step.project}`,
    serverUrl: SimServers.url(step.server),
    apiKey: "key",
    wal: step.wal,
    sender: step.sender,
    walDir: WAL_DIR,
    requireDisk: false,
    fsync: step.fsync,
    useCallsComplete: step.complete,
    onEvent,
  });
}

/** The first token is given to the process; its leases contain it. */
function tokensFrom(token: string, random: Random): () => string {
  let next: string | null = token;
  return () => {
    const given = next ?? random.hex(32);
    next = null;
    return given;
  };
}
