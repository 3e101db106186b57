/**
 * Internal IDs of projects, which the server uses instead of names when it digests refs.
 *
 * @module
 */

import { WeaveWalError } from "../../errors.ts";
import type { Clock } from "../../runtime/runtime.ts";
import type { MetadataCache } from "./metadata_cache.ts";
import type { ApiClient } from "./api_client.ts";

/** Ms after a failed request before it is repeated. */
const ASK_AGAIN_MS = 30_000;
/** Timeout in ms. Nothing waits that long, but the request keeps the program alive. */
const ANSWER_MS = 3_000;

/** Looks up internal IDs, and requests each one once. */
export class ProjectIdResolver {
  readonly #facts: MetadataCache;
  readonly #reader: ApiClient;
  readonly #clock: Clock;
  readonly #asking = new Map<string, Promise<void>>();
  readonly #failedAt = new Map<string, number>();

  constructor(facts: MetadataCache, reader: ApiClient, clock: Clock) {
    this.#facts = facts;
    this.#reader = reader;
    this.#clock = clock;
  }

  /** Returns the internal ID of `entity/project`, if known. */
  readonly get = (project: string): string | undefined => this.#facts.get("projects", project);

  /** Requests an unknown ID from the server. Never rejects. */
  resolve(project: string): Promise<void> {
    const failedAt = this.#failedAt.get(project);
    const tooSoon = failedAt !== undefined && this.#clock.monotonic() - failedAt < ASK_AGAIN_MS;
    if (tooSoon || this.get(project) !== undefined) return Promise.resolve();
    let asking = this.#asking.get(project);
    if (!asking) {
      asking = this.#resolve(project).finally(() => this.#asking.delete(project));
      this.#asking.set(project, asking);
    }
    return asking;
  }

  /** Resolves when no request is in progress. */
  async idle(): Promise<void> {
    await Promise.all(this.#asking.values());
  }

  async #resolve(project: string): Promise<void> {
    try {
      const body = { project_ids: [project] };
      const answer = await this.#reader.json("/service/projects_info", body, ANSWER_MS);
      const infos = Array.isArray(answer) ? answer as Record<string, unknown>[] : [];
      for (const { external_project_id: external, internal_project_id: internal } of infos) {
        if (external === project && typeof internal === "string") {
          this.#facts.set("projects", project, internal);
          return;
        }
      }
      this.#failedAt.set(project, this.#clock.monotonic());
    } catch (error) {
      // A server without this endpoint will not get it while this program runs.
      const status = error instanceof WeaveWalError ? error.status : undefined;
      const never = status === 404 || status === 405;
      this.#failedAt.set(project, never ? Infinity : this.#clock.monotonic());
    }
  }
}
