/**
 * The log of one project that the official SDK writes to, and the answers that it needs of it.
 *
 * @module
 */

import type { Pipeline } from "../client/pipeline.ts";
import type { ProjectIds } from "../client/project_ids.ts";
import { Publisher } from "../client/publisher.ts";
import type { Clock } from "../runtime/runtime.ts";
import { objectDigest, serverDigest } from "../weave/digest.ts";
import type { Ids } from "../weave/ids.ts";
import { CallLog } from "./call_log.ts";
import { KnownTables } from "./known_tables.ts";

/** Most ms that a value which holds refs waits for what its digest needs and the server can tell. */
const DIGEST_WAIT_MS = 1_000;

/** What a project's log is made from. */
export interface ProjectLogParts {
  /** `entity/project`. */
  readonly projectId: string;
  readonly pipeline: Pipeline;
  readonly ids: Ids;
  readonly clock: Clock;
  readonly projectIds: ProjectIds;
  /** Whether this process sends, and so may ask the server. */
  readonly sender: boolean;
}

/** Records what the SDK writes under one project. */
export class ProjectLog {
  /** Starts and ends of calls. */
  readonly calls: CallLog;
  /** Whether it takes no more. */
  closed = false;
  /** Tables made by this process. */
  readonly tables: KnownTables = new KnownTables();
  /** Saves files and tables. */
  readonly publisher: Publisher;
  /** Makes what the SDK leaves to the server. */
  readonly ids: Ids;
  /** Takes records. */
  readonly append: Pipeline["append"];
  /** `entity/project`. */
  readonly projectId: string;
  readonly #parts: ProjectLogParts;

  constructor(parts: ProjectLogParts) {
    const { projectId, pipeline, ids, projectIds } = parts;
    const append: Pipeline["append"] = (type, request) => pipeline.append(type, request);
    this.#parts = parts;
    this.projectId = projectId;
    this.ids = ids;
    this.append = append;
    this.calls = new CallLog(append);
    this.publisher = new Publisher({
      projectId,
      append,
      ids,
      internalProjectId: projectIds.lookUp,
      onUnknownProject: () => void this.#ask(),
      remember: false,
    });
    void this.#ask();
  }

  /**
   * The digest of a value as the server will compute it. For a value that refers to this project
   * that takes the project's internal id: what is not told within a second leaves the digest
   * provisional.
   */
  async digestOf(value: unknown): Promise<string> {
    const { projectIds } = this.#parts;
    const exact = serverDigest(value, projectIds.lookUp);
    if (exact !== undefined) return exact;
    await this.#atMost(DIGEST_WAIT_MS, this.#ask());
    return serverDigest(value, projectIds.lookUp) ?? objectDigest(value);
  }

  #ask(): Promise<void> {
    const { sender, projectIds, projectId } = this.#parts;
    return sender ? projectIds.ask(projectId) : Promise.resolve();
  }

  async #atMost(ms: number, work: Promise<void>): Promise<void> {
    let stop = (): void => {};
    const limit = new Promise<void>((resolve) => {
      const timer = this.#parts.clock.after(ms, resolve, { ref: true });
      stop = () => timer.cancel();
    });
    await Promise.race([work, limit]);
    stop();
  }
}
