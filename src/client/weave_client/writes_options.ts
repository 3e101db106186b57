/**
 * Dependencies of a client's writes.
 *
 * @module
 */

import type { Ids } from "../../protocol/ids.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import type { Publisher } from "../objects/publisher.ts";

/** Dependencies of {@linkcode ClientWrites}. */
export interface ClientWritesOptions {
  readonly projectId: string;
  readonly ids: Ids;
  readonly append: Pipeline["append"];
  readonly publisher: Publisher;
}
