/**
 * The log of one project, as written by the relay.
 *
 * @module
 */

import type { StrictPipeline, WriteRecord } from "../../client/pipeline/pipeline.ts";
import type { OpenLog } from "../../drop_in/logs/open_log.ts";
import type { ProjectLog } from "../../drop_in/logs/project_log.ts";
import type { ProjectCalls } from "./call_memory.ts";
import { GroupCommit } from "./group_commit.ts";
import { TableMemory } from "./table_memory.ts";

/** When the response to a write is sent. */
export type CommitPolicy =
  /** When its records are on stable storage. */
  | "group"
  /** When its records are in the page cache; they are synced in the background. */
  | "interval"
  /** When its records are in the page cache; they are not synced. */
  | "never";

/** Appends records of one project, and waits until they are on stable storage. */
export class RelayLog {
  /** Log, digests and IDs of the project. */
  readonly project: ProjectLog;
  /** Tables created through this relay. */
  readonly tables: TableMemory = new TableMemory();
  /** Open calls of the project. */
  readonly calls: ProjectCalls;
  readonly #open: OpenLog<StrictPipeline>;
  readonly #pipeline: StrictPipeline;
  readonly #commits: GroupCommit;
  readonly #policy: CommitPolicy;

  /** Creates a relay log on top of an open log. */
  constructor(
    open: OpenLog<StrictPipeline>,
    pipeline: StrictPipeline,
    policy: CommitPolicy,
    calls: ProjectCalls,
  ) {
    this.calls = calls;
    this.project = open.log;
    this.#open = open;
    this.#pipeline = pipeline;
    this.#policy = policy;
    this.#commits = new GroupCommit(() => pipeline.sync());
  }

  /** Whether records may contain provisional digests. */
  get resolvesDigests(): boolean {
    return this.#pipeline.resolvesDigests;
  }

  /**
   * Appends records with one write: all of them, or none if it throws.
   *
   * @returns A function that resolves when the records are as safe as the policy requires; it
   * rejects with the log's error.
   * @throws {WeaveWalError} `ERR_LOG_FULL`, `ERR_LOG_CLOSED`; otherwise the file system error.
   */
  append(records: readonly WriteRecord[]): () => Promise<void> {
    const acknowledged = this.#pipeline.appendAll(records);
    if (acknowledged === undefined) {
      return async () => {
        if (this.#policy === "group") await this.#commits.commit();
      };
    }
    acknowledged.catch(() => {}); // Handled when it is awaited.
    return () => acknowledged;
  }

  /**
   * Waits, with a limit, until the server has received everything appended so far. Never rejects.
   */
  delivered(): Promise<void> {
    return this.#open.delivered();
  }

  /** Delivers for at most `timeoutMs`, and closes the log. */
  async finish(timeoutMs: number): Promise<void> {
    await this.#open.finish({ timeout: timeoutMs });
  }
}
