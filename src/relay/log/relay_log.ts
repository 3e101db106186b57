/**
 * The log of one project, as the relay writes it.
 *
 * @module
 */

import type { StrictPipeline, WriteRecord } from "../../client/pipeline/pipeline.ts";
import type { OpenLog } from "../../drop_in/logs/open_log.ts";
import type { ProjectLog } from "../../drop_in/logs/project_log.ts";
import { GroupCommit } from "./group_commit.ts";
import { TableMemory } from "./table_memory.ts";

/** When the response to a write is sent. */
export type CommitPolicy =
  /** When its records are on stable storage. */
  | "group"
  /** When they are in the page cache; they are synced in the background. */
  | "interval"
  /** When they are in the page cache; nothing is synced. */
  | "never";

/** Calls in progress that are remembered at most; an older one's end is delivered without them. */
const MAX_OPEN_CALLS = 100_000;

/** JSON texts of the fields of a start that its end repeats in the v2 calls API. */
export interface OpenCall {
  readonly traceId: string;
  readonly startedAt: string;
}

/** Appends records of one project, and waits until they are on stable storage. */
export class RelayLog {
  /** Log, digests and IDs of the project. */
  readonly project: ProjectLog;
  /** Tables that were made through this relay. */
  readonly tables: TableMemory = new TableMemory();
  readonly #open: OpenLog<StrictPipeline>;
  readonly #pipeline: StrictPipeline;
  readonly #commits: GroupCommit;
  readonly #policy: CommitPolicy;
  readonly #calls = new Map<string, OpenCall>();

  /** Makes a relay's log of one that is open. */
  constructor(open: OpenLog<StrictPipeline>, pipeline: StrictPipeline, policy: CommitPolicy) {
    this.project = open.log;
    this.#open = open;
    this.#pipeline = pipeline;
    this.#policy = policy;
    this.#commits = new GroupCommit(() => pipeline.sync());
  }

  /** Remembers what the end of a call repeats of its start. */
  callStarted(id: string, call: OpenCall): void {
    this.#calls.set(id, call);
    if (this.#calls.size > MAX_OPEN_CALLS) this.#calls.delete(this.#calls.keys().next().value!);
  }

  /** Fields of the start of a call that has not ended. */
  openCall(id: string): OpenCall | undefined {
    return this.#calls.get(id);
  }

  /** Forgets a call. */
  callEnded(id: string): void {
    this.#calls.delete(id);
  }

  /** Whether records may hold provisional digests. */
  get resolvesDigests(): boolean {
    return this.#pipeline.resolvesDigests;
  }

  /**
   * Appends records with one write: all of them, or none when it throws.
   *
   * @returns Resolves when they are as safe as the policy says; rejects with the log's error.
   * @throws {WeaveWalError} `ERR_LOG_FULL`, `ERR_LOG_CLOSED`; otherwise the host's error.
   */
  append(records: readonly WriteRecord[]): () => Promise<void> {
    const acknowledged = this.#pipeline.appendAll(records);
    if (acknowledged === undefined) {
      return async () => {
        if (this.#policy === "group") await this.#commits.commit();
      };
    }
    acknowledged.catch(() => {}); // Seen when it is awaited.
    return () => acknowledged;
  }

  /** Waits, within bounds, until the server has what was appended. Never rejects. */
  delivered(): Promise<void> {
    return this.#open.delivered();
  }

  /** Delivers what it can within `timeoutMs`, and closes. */
  async finish(timeoutMs: number): Promise<void> {
    await this.#open.finish({ timeout: timeoutMs });
  }
}
