/**
 * The clients that `init` opened, shared by all copies of the package in a process.
 *
 * @module
 */

import { shared } from "../runtime/process/shared_state.ts";
import type { Fetch } from "../runtime/runtime.ts";
import type { WeaveClient } from "./weave_client/client.ts";
import { isOpen } from "./global_client.ts";
import type { WalEvent } from "./pipeline/status/events.ts";
import type { Redact } from "./redaction/redactor.ts";
import type { Settings } from "./settings/settings.ts";

/** Functions passed to `init`. The latest ones are used, because earlier ones may be stale. */
export interface GivenFunctions {
  fetch: Fetch | undefined;
  onEvent: ((event: WalEvent) => void) | undefined;
  redact: Redact | undefined;
}

/** An open client, and what it was opened with. */
export interface PooledClient {
  readonly client: WeaveClient;
  readonly settings: Settings;
  readonly given: GivenFunctions;
  /** Names of differing options that were already reported. */
  readonly reported: Set<string>;
}

/** Clients by their key, and numbers of runtimes given in code. */
interface PoolState {
  clients: Map<string, PooledClient>;
  runtimes: WeakMap<object, number>;
  lastRuntime: number;
}

/** The state of the pool. */
export const poolState: PoolState = shared("client-pool", () => ({
  clients: new Map(),
  runtimes: new WeakMap(),
  lastRuntime: 0,
}));

/** Returns every open client of the pool. */
export function pooledClients(): WeaveClient[] {
  for (const [key, { client }] of poolState.clients) {
    if (!isOpen(client)) poolState.clients.delete(key);
  }
  return [...poolState.clients.values()].map(({ client }) => client);
}
