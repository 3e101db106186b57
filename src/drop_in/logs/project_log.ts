/**
 * The log of one project that the official SDK writes to, and the answers that it needs of it.
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

/** Most ms that a value which holds refs waits for what its digest needs of the server. */
const DIGEST_WAIT_MS = 1_000;

/** Dependencies of a project's log. */
export interface ProjectLogOptions {
  /** `entity/project`. */
  readonly projectId: string;
  readonly pipeline: WriterPipeline;
  readonly ids: Ids;
  readonly clock: Clock;
  readonly projectIds: ProjectIdResolver;
  /** Whether this process sends, and so may ask the server. */
  readonly sender: boolean;
  readonly redactor: Redactor;
}

/** Records what the SDK writes under one project. */
export class ProjectLog {
  /** Starts and ends of calls. */
  readonly calls: CallLog;
  /** Whether it takes no more. */
  closed = false;
  /** Tables made by this process. */
  readonly tables: TableCache = new TableCache();
  /** Saves files and tables. */
  readonly publisher: Publisher;
  /** Makes what the SDK leaves to the server. */
  readonly ids: Ids;
  /** Takes records. */
  readonly append: WriterPipeline["append"];
  /** `entity/project`. */
  readonly projectId: string;
  /** Keeps secrets out of calls that were not read from a request. */
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
      // Requests of the SDK are redacted as they are read.
      redactor: Redactor.none(),
    });
    void this.#ask();
  }

  /**
   * The digest of a value as the server will compute it; `undefined` where only the server can.
   */
  digestOf(value: unknown): string | undefined {
    return serverDigest(value, this.#options.projectIds.get);
  }

  /**
   * Waits for what digests need of the project, where `text` holds refs and it is not known yet: for
   * a second at most, once, and not at all when the server cannot be reached.
   */
  async forRefsIn(text: string): Promise<void> {
    const { projectId, projectIds } = this.#options;
    if (projectIds.get(projectId) !== undefined || !text.includes(REF_PREFIX)) return;
    const answered = this.#ask();
    // A server that never answers would else hold up one value after the other.
    await (this.#waited ??= this.#atMost(DIGEST_WAIT_MS, answered));
  }

  /** The server's digest for one that was provisional, where it is known; else the same. */
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
