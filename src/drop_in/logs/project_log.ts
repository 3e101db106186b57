/**
 * The log of one project that the official SDK writes to, and the responses that the SDK needs.
 *
 * @module
 */

import type { WriterPipeline } from "../../client/pipeline/pipeline.ts";
import type { ProjectIdResolver } from "../../client/server/project_id_resolver.ts";
import { Publisher } from "../../client/objects/publisher.ts";
import { Redactor } from "../../client/redaction/redactor.ts";
import type { Clock } from "../../runtime/runtime.ts";
import { serverDigest } from "../../protocol/digest/digest.ts";
import type { Ids } from "../../protocol/ids.ts";
import { REF_PREFIX } from "../../protocol/refs.ts";
import { CallLog } from "./call_log.ts";
import { TableCache } from "./table_cache.ts";

/**
 * Maximum ms for which a value with refs waits for data from the server that its digest requires.
 */
const DIGEST_WAIT_MS = 1_000;

/** Dependencies of a project's log. */
export interface ProjectLogOptions {
  /** `entity/project`. */
  readonly projectId: string;
  readonly pipeline: WriterPipeline;
  readonly ids: Ids;
  readonly clock: Clock;
  readonly projectIds: ProjectIdResolver;
  /** Whether this process sends, and so may send requests to the server. */
  readonly sender: boolean;
  readonly redactor: Redactor;
}

/** Records the SDK's writes to one project. */
export class ProjectLog {
  /** Starts and ends of calls. */
  readonly calls: CallLog;
  /** Whether it is closed. */
  closed = false;
  /** Tables created by this process. */
  readonly tables: TableCache = new TableCache();
  /** Saves files and tables. */
  readonly publisher: Publisher;
  /** Creates IDs that the SDK leaves to the server. */
  readonly ids: Ids;
  /** Appends records. */
  readonly append: WriterPipeline["append"];
  /** `entity/project`. */
  readonly projectId: string;
  /** Redacts calls that were not read from a request. */
  readonly redactor: Redactor;
  readonly #options: ProjectLogOptions;
  #waited: Promise<void> | undefined;

  constructor(options: ProjectLogOptions) {
    const { projectId, pipeline, ids, projectIds, redactor } = options;
    const append: WriterPipeline["append"] = (type, request) => pipeline.append(type, request);
    this.#options = options;
    this.projectId = projectId;
    this.redactor = redactor;
    this.ids = ids;
    this.append = append;
    this.calls = new CallLog(append);
    this.publisher = new Publisher({
      projectId,
      append,
      ids,
      internalProjectId: projectIds.get,
      onUnknownProject: () => void this.#ask(),
      remember: false,
      // Requests of the SDK are redacted when they are read.
      redactor: Redactor.none(),
    });
    void this.#ask();
  }

  /**
   * Returns the digest that the server will compute for a value; `undefined` if only the server can
   * know it.
   */
  digestOf(value: unknown): string | undefined {
    return serverDigest(value, this.#options.projectIds.get);
  }

  /**
   * Waits for the project's internal ID if `text` contains refs and the ID is unknown: once, for at
   * most a second, and not at all if the server is unreachable.
   */
  async forRefsIn(text: string): Promise<void> {
    const { projectId, projectIds } = this.#options;
    if (projectIds.get(projectId) !== undefined || !text.includes(REF_PREFIX)) return;
    const answered = this.#ask();
    // Otherwise, an unresponsive server would delay every value.
    await (this.#waited ??= this.#atMost(DIGEST_WAIT_MS, answered));
  }

  /** Returns the server's digest for a provisional one, if known; otherwise returns `digest`. */
  finalDigest(digest: string): string {
    return this.#options.pipeline.finalDigest(digest);
  }

  #ask(): Promise<void> {
    const { sender, projectIds, projectId } = this.#options;
    return sender ? projectIds.resolve(projectId) : Promise.resolve();
  }

  async #atMost(ms: number, work: Promise<void>): Promise<void> {
    let stop = (): void => {};
    const limit = new Promise<void>((resolve) => {
      const timer = this.#options.clock.after(ms, resolve, { ref: true });
      stop = () => timer.cancel();
    });
    await Promise.race([work, limit]);
    stop();
  }
}
