/**
 * Internal ids of projects: the server digests refs with them instead of the names.
 *
 * @module
 */

import { WeaveWalError } from "../../errors.ts";
import type { Clock } from "../../runtime/runtime.ts";
import type { MetadataCache } from "./metadata_cache.ts";
import type { ApiClient } from "./api_client.ts";

/** Ms after a failed question before it is asked again. */
const ASK_AGAIN_MS = 30_000;
/**
 * Most ms for an answer. Nobody waits for it that long, but while it is out the program cannot end.
 */
const ANSWER_MS = 3_000;

/** Looks internal ids up and asks for them, once a project. */
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

  /** The internal id of `entity/project`, if it is known. */
  readonly get = (project: string): string | undefined => this.#facts.get("projects", project);

  /** Asks the server for an id that is not known. Never rejects. */
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

  /** Resolves when no question is open any more. */
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
      // A server without the question will not learn it while this program runs.
      const status = error instanceof WeaveWalError ? error.status : undefined;
      const never = status === 404 || status === 405;
      this.#failedAt.set(project, never ? Infinity : this.#clock.monotonic());
    }
  }
}
