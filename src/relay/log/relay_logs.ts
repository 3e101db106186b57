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
import type { Fetch, Runtime, Timer } from "../../runtime/runtime.ts";
import { type CommitPolicy, RelayLog } from "./relay_log.ts";

/** Ms after its last request after which a log is closed. */
const IDLE_MS = 600_000;
/** Ms between two searches for logs that are not used any more. */
const LOOK_MS = 60_000;
/** Ms that a log which is closed goes on sending: a request that is given up may have arrived. */
const CLOSE_MS = 5_000;
/** Ms between two data syncs in the background, where nothing waits for them. */
const SYNC_MS = 1_000;

/** Options for {@linkcode RelayLogs}. */
export interface RelayLogsOptions {
  readonly runtime: Runtime;
  readonly settings: Settings;
  /** Sends what is delivered. */
  readonly fetch: Fetch;
  readonly commit: CommitPolicy;
  readonly logger: Logger;
  /** Opens the log of a project; the file log unless given. */
  readonly openPipeline?: OpenStrictPipeline | undefined;
}

/** Opens a pipeline that refuses what its log does not take. */
export type OpenStrictPipeline = (options: PipelineOptions) => StrictPipeline;

interface Entry {
  readonly log: RelayLog;
  usedAt: number;
}

/** Opens the log of a project with its first request, and closes it when it is not used any more. */
export class RelayLogs {
  readonly #options: RelayLogsOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #closing = new Set<Promise<void>>();
  #timer: Timer | null = null;

  /** No log is open. */
  constructor(options: RelayLogsOptions) {
    this.#options = options;
    this.#lookLater();
  }

  /**
   * The log of `entity/project`, opened if it is not open.
   *
   * @throws {WeaveWalError} `ERR_INVALID_NAME`, `ERR_LOG_UNWRITABLE`.
   */
  of(projectId: string): RelayLog {
    const { clock } = this.#options.runtime;
    let entry = this.#entries.get(projectId);
    if (!entry) {
      entry = { log: this.#open(projectId), usedAt: 0 };
      this.#entries.set(projectId, entry);
    }
    entry.usedAt = clock.monotonic();
    return entry.log;
  }

  /** The log of a project if it is open. */
  opened(projectId: string): RelayLog | undefined {
    return this.#entries.get(projectId)?.log;
  }

  /** All open logs. */
  all(): RelayLog[] {
    return [...this.#entries.values()].map(({ log }) => log);
  }

  /** A text with the server's digests in place of provisional ones, as far as they are known. */
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
   * Closes a log whose disk failed, so that the next request opens a new one: after a data sync that
   * failed, no other sync of the same files proves anything. The records in it are sent like those of
   * a process that has ended.
   */
  retire(log: RelayLog): void {
    for (const [id, entry] of this.#entries) {
      if (entry.log === log) this.#close(id, entry, CLOSE_MS);
    }
  }

  /** Closes all logs after delivering for at most `timeoutMs`. */
  async finish(timeoutMs: number): Promise<void> {
    this.#timer?.cancel();
    for (const [id, entry] of this.#entries) this.#close(id, entry, timeoutMs);
    await Promise.all(this.#closing);
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
        // What does not fit is refused, never dropped.
        quotaPolicy: "drop-new",
        // A call that a caller of the relay has begun outlives the relay.
        closeInterrupted: false,
        ...commit === "group"
          ? { fsync: "interval", fsyncIntervalMs: SYNC_MS, fsyncRecords: Number.MAX_SAFE_INTEGER }
          : { fsync: commit },
      },
      // Requests are redacted as they are read.
      redactor: Redactor.none(),
      requireDisk: true,
      host: { runtime, fetch, heldMs: () => 0, random: Math.random, onEvent: logger.event },
      // What dead processes left is sent by the relay's own sender for all projects.
      openPipeline: (options) => pipeline = openPipeline({ ...options, recovers: false }),
      logger,
    });
    return new RelayLog(open, pipeline!, commit);
  }

  #lookLater(): void {
    this.#timer = this.#options.runtime.clock.after(LOOK_MS, () => {
      const now = this.#options.runtime.clock.monotonic();
      for (const [id, entry] of this.#entries) {
        if (now - entry.usedAt > IDLE_MS) this.#close(id, entry, CLOSE_MS);
      }
      this.#lookLater();
    });
  }

  /** Records that are left are then sent like the log of a process that has ended. */
  #close(id: string, { log }: Entry, timeoutMs: number): void {
    this.#entries.delete(id);
    const closing: Promise<void> = log.finish(timeoutMs).finally(() =>
      this.#closing.delete(closing)
    );
    this.#closing.add(closing);
  }
}
