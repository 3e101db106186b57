/**
 * The logs of all projects that are written through a relay.
 *
 * @module
 */

import type { Logger } from "../../client/logger.ts";
import { openStrictPipeline } from "../../client/pipeline/create_pipeline.ts";
import type { PipelineOptions, StrictPipeline } from "../../client/pipeline/pipeline.ts";
import { Redactor } from "../../client/redaction/redactor.ts";
import type { Settings } from "../../client/settings/settings.ts";
import { OpenLog } from "../../drop_in/logs/open_log.ts";
import type { OwnFetch, Runtime, Timer } from "../../runtime/runtime.ts";
import { RefusedRequest } from "../request/read_body.ts";
import { CallMemory } from "./call_memory.ts";
import { type CommitPolicy, RelayLog } from "./relay_log.ts";

/** Ms after the last request of a project after which its log is closed. */
const IDLE_MS = 600_000;
/** Ms after its last request at which a log is certainly not in use. */
const UNUSED_MS = 60_000;
/** Ms between two searches for idle logs. */
const LOOK_MS = 60_000;
/** Ms for which a closing log continues sending, because an aborted request may have arrived. */
const CLOSE_MS = 5_000;
/** Ms between two background syncs, if nothing waits for them. */
const SYNC_MS = 1_000;

/** Options for {@linkcode RelayLogs}. */
export interface RelayLogsOptions {
  readonly runtime: Runtime;
  readonly settings: Settings;
  /** Sends requests for delivery. */
  readonly fetch: OwnFetch;
  readonly commit: CommitPolicy;
  readonly logger: Logger;
  /**
   * Maximum number of open logs, each with open files. From a quarter of it on, logs that are not
   * in use are closed.
   */
  readonly maxLogs: number;
  /** Opens the log of a project; default: the file log. */
  readonly openPipeline?: OpenStrictPipeline | undefined;
}

/** Opens a pipeline that refuses records that its log cannot store. */
export type OpenStrictPipeline = (options: PipelineOptions) => StrictPipeline;

interface Entry {
  readonly log: RelayLog;
  usedAt: number;
}

/** Opens the log of a project at its first request, and closes it when it is idle. */
export class RelayLogs {
  readonly #options: RelayLogsOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #closing = new Set<Promise<void>>();
  readonly #calls: CallMemory;
  #timer: Timer | null = null;

  constructor(options: RelayLogsOptions) {
    this.#options = options;
    this.#calls = new CallMemory(options.runtime.clock);
    this.#lookLater();
  }

  /**
   * Returns the log of `entity/project`; opens it if necessary.
   *
   * @throws {WeaveWalError} `ERR_INVALID_NAME`, `ERR_LOG_UNWRITABLE`.
   * @throws {RefusedRequest} 503 if there are too many.
   */
  of(projectId: string): RelayLog {
    const now = this.#options.runtime.clock.monotonic();
    let entry = this.#entries.get(projectId);
    if (entry === undefined) {
      this.#makeRoom(now);
      entry = { log: this.#open(projectId), usedAt: now };
    }
    entry.usedAt = now;
    // The map is in the order of their last use.
    this.#entries.delete(projectId);
    this.#entries.set(projectId, entry);
    return entry.log;
  }

  /** Returns the log of a project if it is open. */
  opened(projectId: string): RelayLog | undefined {
    return this.#entries.get(projectId)?.log;
  }

  /** Number of calls in memory whose ends have not arrived. */
  get openCalls(): number {
    return this.#calls.size;
  }

  /** Returns all open logs. */
  all(): RelayLog[] {
    return [...this.#entries.values()].map(({ log }) => log);
  }

  /** Replaces provisional digests in a text with the server's, if known. */
  withFinalDigests(text: string): string {
    if (!text.includes("PROVISIONAL")) return text;
    return text.replace(/PROVISIONAL[0-9a-f]+/g, (digest) => {
      for (const { log } of this.#entries.values()) {
        const final = log.project.finalDigest(digest);
        if (final !== digest) return final;
      }
      return digest;
    });
  }

  /**
   * Closes a log whose disk failed, so that the next request opens a new one: after a failed data
   * sync, another sync of the same files proves nothing. Its records are sent like those of a dead
   * process.
   */
  retire(log: RelayLog): void {
    for (const [id, entry] of this.#entries) {
      if (entry.log === log) this.#close(id, entry, CLOSE_MS);
    }
  }

  /** Delivers for at most `timeoutMs`, then closes all logs. */
  async finish(timeoutMs: number): Promise<void> {
    this.#timer?.cancel();
    for (const [id, entry] of this.#entries) this.#close(id, entry, timeoutMs);
    await Promise.all(this.#closing);
  }

  #makeRoom(now: number): void {
    const { maxLogs } = this.#options;
    if (this.#entries.size < maxLogs / 4) return;
    const [[id, oldest]] = this.#entries;
    if (now - oldest.usedAt > UNUSED_MS) this.#close(id, oldest, CLOSE_MS);
    else if (this.#entries.size >= maxLogs) {
      throw new RefusedRequest(503, "Too many projects at once", UNUSED_MS / 1_000);
    }
  }

  #open(projectId: string): RelayLog {
    const { runtime, settings, fetch, logger, commit } = this.#options;
    const { openPipeline = openStrictPipeline } = this.#options;
    let pipeline: StrictPipeline | undefined;
    const open = new OpenLog<StrictPipeline>({
      key: { server: settings.serverUrl, projectId, apiKey: settings.apiKey },
      settings: {
        ...settings,
        sender: true,
        // Records that do not fit are refused, never dropped.
        quotaPolicy: "drop-new",
        // A call that a client of the relay has started outlives the relay.
        closeInterrupted: false,
        ...commit === "group"
          ? { fsync: "interval", fsyncIntervalMs: SYNC_MS, fsyncRecords: Number.MAX_SAFE_INTEGER }
          : { fsync: commit },
      },
      // Requests are redacted when they are read.
      redactor: Redactor.none(),
      requireDisk: true,
      host: { runtime, fetch, heldMs: () => 0, random: Math.random, onEvent: logger.event },
      openPipeline: (options) =>
        pipeline = openPipeline({
          ...options,
          // The relay has one sender for orphaned segments of all projects.
          recovers: false,
          // The start of a call may have been written by another relay or an earlier process.
          sharesCalls: true,
        }),
      logger,
    });
    return new RelayLog(open, pipeline!, commit, this.#calls.of(projectId));
  }

  #lookLater(): void {
    this.#timer = this.#options.runtime.clock.after(LOOK_MS, () => {
      const now = this.#options.runtime.clock.monotonic();
      for (const [id, entry] of this.#entries) {
        if (now - entry.usedAt > IDLE_MS) this.#close(id, entry, CLOSE_MS);
      }
      this.#calls.trim();
      this.#lookLater();
    });
  }

  /** Closes a log. Remaining records are sent like those of a dead process. */
  #close(id: string, { log }: Entry, timeoutMs: number): void {
    this.#entries.delete(id);
    const closing: Promise<void> = log.finish(timeoutMs).finally(() =>
      this.#closing.delete(closing)
    );
    this.#closing.add(closing);
  }
}
