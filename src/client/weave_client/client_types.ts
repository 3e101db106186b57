/**
 * Dependencies and statistics of a client.
 *
 * @module
 */

import type { Ids } from "../../protocol/ids.ts";
import type { Clock, SystemFacts } from "../../runtime/runtime.ts";
import type { Logger } from "../logger.ts";
import type { Pipeline, WalStats } from "../pipeline/pipeline.ts";
import type { Redactor } from "../redaction/redactor.ts";
import type { ApiClient } from "../server/api_client.ts";
import type { MetadataCache } from "../server/metadata_cache.ts";
import type { Settings } from "../settings/settings.ts";

/** Dependencies of a client. */
export interface ClientDeps {
  readonly redactor: Redactor;
  readonly entity: string;
  readonly project: string;
  readonly settings: Settings;
  readonly pipeline: Pipeline;
  readonly ids: Ids;
  readonly clock: Clock;
  readonly reader: ApiClient;
  /** For background reads. */
  readonly backgroundReader: ApiClient;
  readonly facts: MetadataCache;
  readonly logger: Logger;
  /** System information that calls record. */
  readonly system: SystemFacts;
}

/**
 * State of a client's log: pending, delivered and lost records.
 *
 * @example
 * ```ts
 * import { type ClientStats, init } from "@weave-wal/client";
 *
 * await using client = await init("team/project", { disabled: true }); // `wal: true` in a program
 * const { pendingRecords, deadLettered }: ClientStats = await client.stats();
 * if (pendingRecords + deadLettered > 0) throw new Error("A disabled client writes nothing");
 * ```
 */
export interface ClientStats extends WalStats {
  /** Number of calls and spans that were not recorded because their trace was not sampled. */
  readonly sampledOut: number;
}
