/**
 * The part of a client that records OpenTelemetry spans. The recorder itself is in `src/otel`,
 * which only programs that use spans load.
 *
 * @module
 */

import { shared } from "../runtime/process/shared_state.ts";
import type { Logger } from "./logger.ts";
import type { Sampler } from "./calls/sampling.ts";
import type { Pipeline } from "./pipeline/pipeline.ts";
import type { Redactor } from "./redaction/redactor.ts";
import type { Settings } from "./settings/settings.ts";

/** Destination of spans, and how they are processed. */
export interface SpanTarget {
  /** `entity/project`. */
  readonly projectId: string;
  readonly append: Pipeline["append"];
  /** Records the start of a span. */
  readonly noteStart: NonNullable<Pipeline["noteSpanStart"]>;
  readonly redactor: Redactor;
  readonly sampler: Sampler;
  readonly logger: Logger;
  readonly settings: Pick<Settings, "disabled" | "wal" | "exitDrainMs" | "timeoutMs">;
}

/** Shared: client and processor may be from different copies of the package. */
const targets = shared("span-targets", () => new WeakMap<object, SpanTarget>());

/** Stores the target of a client. */
export function keepSpanTarget(client: object, target: SpanTarget): void {
  targets.set(client, target);
}

/** Returns the target of a client; `undefined` if it is not a client. */
export function spanTargetOf(client: object): SpanTarget | undefined {
  return targets.get(client);
}
