/**
 * The logs of everything that the official SDK writes in this process: one per project and server.
 *
 * @module
 */

import { MetadataCache } from "../../client/server/metadata_cache.ts";
import { unusableProxy } from "../../client/server/proxy.ts";
import { createLogger, type Logger, type Sink } from "../../client/logger.ts";
import { describeError } from "../../client/calls/describe_error.ts";
import { Redactor } from "../../client/redaction/redactor.ts";
import type { InitOptions } from "../../client/settings/options.ts";
import type {
  FlushOptions,
  FlushResult,
  Pipeline,
  PipelineOptions,
} from "../../client/pipeline/pipeline.ts";
import { sumResults } from "../../client/pipeline/sum_results.ts";
import { type backgroundFetch, invisible } from "../../client/server/host_fetch.ts";
import { withinPermissions } from "../../client/settings/permissions.ts";
import { type KeyUse, resolveSettings, type Settings } from "../../client/settings/settings.ts";
import { requestHolds } from "../../runtime/network/hold_tracker.ts";
import type { OwnFetch, Runtime } from "../../runtime/runtime.ts";
import { fileDigest } from "../../protocol/digest/digest.ts";
import { holdsProvisional } from "../../protocol/digest/provisional.ts";
import type { TableRow } from "./table_cache.ts";
import { type LogKey, OpenLog } from "./open_log.ts";
import type { ProjectLog } from "./project_log.ts";

/**
 * Options for an official client. Key, server and other settings are those of the SDK. Each option
 * is the same as in this package's `init`.
 *
 * @example
 * ```ts
 * import type { DurableOptions } from "@weave-wal/client/durable";
 *
 * const options: DurableOptions = { walDir: "/var/lib/app/wal", fsync: "interval" };
 * if (options.fsync !== "interval") throw new Error();
 * ```
 */
export type DurableOptions = Omit<
  InitOptions,
  "apiKey" | "serverUrl" | "baseUrl" | "disabled" | "printCallLink" | "globalAttributes"
>;

/** Environment of the logs; options of the same name take precedence. */
export interface SdkEnvironment {
  readonly runtime: Runtime;
  /** For requests that the program waits for. */
  readonly fetch: OwnFetch;
  /** Creates the `fetch` for sending the logs; default: `fetch`. */
  readonly background?: typeof backgroundFetch;
  readonly sink: Sink;
  readonly openPipeline: (options: PipelineOptions) => Pipeline;
  /** Open logs in this process by key, including those opened by others. */
  readonly pool?: Map<string, OpenLog>;
}

/** Opens logs on first use, and flushes all of them. */
export class SdkLogs {
  readonly logger: Logger;
  readonly runtime: Runtime;
  /** For requests that the program waits for. */
  readonly fetch: OwnFetch;
  readonly #background: OwnFetch;
  /** Whether logs are enabled: `WEAVE_ENABLE_WAL=false` overrides the code. */
  readonly wanted: boolean;
  readonly #options: DurableOptions;
  readonly #openPipeline: SdkEnvironment["openPipeline"];
  readonly #pool: Map<string, OpenLog>;
  readonly #open = new Map<string, OpenLog>();
  readonly #redactors = new Map<string | undefined, Redactor>();

  /** @throws {WeaveWalError} `ERR_INVALID_OPTION`. */
  constructor(options: DurableOptions, host: SdkEnvironment) {
    this.#options = options;
    this.#openPipeline = host.openPipeline;
    // A separate runtime has separate logs.
    this.#pool = (options.runtime ? undefined : host.pool) ?? new Map();
    this.runtime = options.runtime ?? host.runtime;
    const { logLevel, wal, exitDrainMs } = this.#settings();
    this.fetch = options.fetch ? invisible(options.fetch) : host.fetch;
    this.#background = host.background?.(this.runtime, exitDrainMs, options.fetch) ?? this.fetch;
    this.wanted = wal;
    const { line } = this.redactor(undefined);
    this.logger = createLogger(logLevel, host.sink, options.onEvent, line);
  }

  /**
   * Returns the log of a project.
   *
   * @throws {WeaveWalError} `ERR_INVALID_OPTION`, `ERR_INVALID_NAME`, `ERR_LOG_UNWRITABLE`.
   */
  of(key: LogKey): ProjectLog {
    return this.openFor(key).log;
  }

  /** Same as {@linkcode SdkLogs.of}, with the log's sender and dependencies. */
  openFor(key: LogKey): OpenLog {
    const name = JSON.stringify([key.server, key.projectId, key.apiKey]);
    let open = this.#open.get(name);
    if (!open || open.log.closed) this.#open.set(name, open = this.#pooled(key));
    return open;
  }

  /** Returns the redactor for writes that are sent with a key. */
  redactor(apiKey: string | undefined): Redactor {
    const known = this.#redactors.get(apiKey);
    if (known) return known;
    const redactor = new Redactor({
      settings: this.#settings(),
      redact: this.#options.redact,
      apiKey,
      onFailure: (error) => {
        const message = `Redacted a value because redact failed: ${describeError(error)}`;
        this.logger.once("warn", "redact-failed", message);
      },
    });
    this.#redactors.set(apiKey, redactor);
    return redactor;
  }

  /**
   * Returns the rows of a table that this process created, if this is the SDK's query right after
   * it.
   */
  tableRows(projectId: unknown, digest: unknown): TableRow[] | undefined {
    for (const { log } of this.#open.values()) {
      const rows = log.projectId === projectId ? log.tables.answer(digest as string) : undefined;
      if (rows) return rows;
    }
    return undefined;
  }

  /** Replaces provisional digests in a text with the server's, if known. */
  withFinalDigests(text: string): string {
    if (!holdsProvisional(text)) return text;
    return text.replace(/PROVISIONAL[0-9a-f]+/g, (digest) => {
      for (const { log } of this.#open.values()) {
        const final = log.finalDigest(digest);
        if (final !== digest) return final;
      }
      return digest;
    });
  }

  /** Returns whether this process has no API key and needs none, because its sender is disabled. */
  runsWithoutKey(): boolean {
    const { sender, apiKey } = this.#settings("optional");
    return !sender && apiKey === undefined;
  }

  /** Returns the cache of server data, stored beside the logs. */
  facts(): MetadataCache {
    const { serverUrl, walDir } = this.#settings();
    return new MetadataCache(this.runtime, serverUrl, walDir);
  }

  /**
   * Waits, while the servers are reachable, until they have received everything written so far.
   * Never rejects.
   */
  async delivered(): Promise<void> {
    await Promise.all(this.opened().map((open) => open.delivered()));
  }

  /** Waits until everything written so far is delivered or dead-lettered. Never rejects. */
  async flush(options?: FlushOptions): Promise<FlushResult> {
    return sumResults(await Promise.all(this.opened().map((open) => open.flush(options))));
  }

  /** Flushes and closes all logs; later writes open new ones. Never rejects. */
  async finish(options?: FlushOptions): Promise<FlushResult> {
    return sumResults(await Promise.all(this.opened().map((one) => one.finish(options))));
  }

  /** Returns the open logs. */
  opened(): OpenLog[] {
    return [...this.#open.values()].filter(({ log }) => !log.closed);
  }

  /** Returns the open log for a key, regardless of which caller opened it: one sender per log. */
  #pooled(key: LogKey): OpenLog {
    const { walDir, wal, sender } = this.#settings();
    const id = JSON.stringify([key.server, key.projectId, wal ? walDir : null, sender, keyId(key)]);
    const known = this.#pool.get(id);
    if (known && !known.log.closed) return known;
    const open = this.#openLog(key);
    this.#pool.set(id, open);
    return open;
  }

  #openLog(key: LogKey): OpenLog {
    const options = { ...this.#options, apiKey: key.apiKey ?? "", wal: true };
    const { settings, message } = withinPermissions(
      this.runtime,
      { ...this.#settings(), serverUrl: key.server },
      options,
    );
    if (message !== null) this.logger.once("warn", "missing-permission", message);
    const proxy = settings.sender && this.#options.fetch === undefined
      ? unusableProxy(this.runtime, key.server)
      : null;
    if (proxy !== null) this.logger.once("warn", "proxy-unused", proxy);
    return new OpenLog({
      key,
      settings,
      redactor: this.redactor(key.apiKey),
      // An unusable default directory must not prevent the start.
      requireDisk: settings.walDirExplicit && this.#options.walDir !== undefined,
      host: {
        runtime: this.runtime,
        fetch: this.#background,
        heldMs: () => requestHolds.heldAtExitMs,
        random: this.#options.random ?? Math.random,
        onEvent: this.logger.event,
      },
      openPipeline: this.#openPipeline,
      logger: this.logger,
    });
  }

  /** Resolves settings. The SDK provides the key; others are looked up only if `keyUse` says so. */
  #settings(keyUse: KeyUse = "unused"): Settings {
    const wal = this.#options.wal ?? true;
    return resolveSettings(this.runtime, { ...this.#options, wal }, keyUse);
  }
}

/** Identifies an API key without revealing it, because the pool is visible to the whole process. */
function keyId({ apiKey }: LogKey): string | null {
  return apiKey === undefined ? null : fileDigest(`weave-wal:${apiKey}`).slice(0, 12);
}
