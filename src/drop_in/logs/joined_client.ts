/**
 * A client of this package that uses the log of an official client, so that ops of this package
 * inside calls of the official one are recorded there.
 *
 * @module
 */

import type { WeaveClient } from "../../client/weave_client/client.ts";
import { currentClient, setGlobalClient } from "../../client/global_client.ts";
import type { FlushOptions, FlushResult, Pipeline } from "../../client/pipeline/pipeline.ts";
import { shared } from "../../runtime/process/shared_state.ts";

/** A pipeline that another owner finishes. */
export class LentPipeline implements Pipeline {
  readonly #pipeline: Pipeline;
  readonly finish: (options?: FlushOptions) => Promise<FlushResult>;

  /** @param finish Finishes the pipeline and everything that belongs to it. */
  constructor(pipeline: Pipeline, finish: Pipeline["finish"]) {
    this.#pipeline = pipeline;
    this.finish = finish;
  }

  append(...args: Parameters<Pipeline["append"]>): void {
    this.#pipeline.append(...args);
  }

  noteSpanStart(...args: Parameters<NonNullable<Pipeline["noteSpanStart"]>>): void {
    this.#pipeline.noteSpanStart?.(...args);
  }

  sync(): ReturnType<Pipeline["sync"]> {
    return this.#pipeline.sync();
  }

  flush(...args: Parameters<Pipeline["flush"]>): ReturnType<Pipeline["flush"]> {
    return this.#pipeline.flush(...args);
  }

  delivered(...args: Parameters<Pipeline["delivered"]>): ReturnType<Pipeline["delivered"]> {
    return this.#pipeline.delivered(...args);
  }

  stats(): ReturnType<Pipeline["stats"]> {
    return this.#pipeline.stats();
  }

  reports(): ReturnType<Pipeline["reports"]> {
    return this.#pipeline.reports();
  }

  finalDigest(digest: string): string {
    return this.#pipeline.finalDigest(digest);
  }

  retryDeadLetters(
    ...args: Parameters<Pipeline["retryDeadLetters"]>
  ): ReturnType<Pipeline["retryDeadLetters"]> {
    return this.#pipeline.retryDeadLetters(...args);
  }
}

const joined = shared("joined-clients", () => new WeakSet<object>());

/**
 * Lets ops of this package outside of all calls write to the project of the official client, unless
 * this package's own `init` has opened one.
 */
export function useJoinedClient(client: WeaveClient): void {
  joined.add(client);
  const current = currentClient();
  if (current === null || joined.has(current)) setGlobalClient(client);
}
