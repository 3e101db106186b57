/**
 * A relay: takes the write API of a trace server, appends what it is given to the log, and answers.
 *
 * @module
 */

import type { Logger } from "../client/logger.ts";
import type { Settings } from "../client/settings/settings.ts";
import { MetricSamples } from "../metrics/exposition.ts";
import { RELAY_METRICS } from "../metrics/metric_list.ts";
import type { Fetch, Runtime } from "../runtime/runtime.ts";
import { Access } from "./access.ts";
import type { CommitPolicy } from "./log/relay_log.ts";
import { type OpenStrictPipeline, RelayLogs } from "./log/relay_logs.ts";
import type { WriteBatch } from "./log/write_batch.ts";
import { BodyBudget, type BodyLimits, RefusedRequest } from "./request/read_body.ts";
import { RequestRedaction } from "./request/redaction.ts";
import { KnownAnswers } from "./upstream/known_answers.ts";
import { Upstream } from "./upstream/pass_on.ts";

/** Limits of a relay. */
export interface RelayLimits {
  /** Bytes of a request, also after decompression. */
  readonly maxRequestBytes: number;
  /** Bytes of all requests that are in memory. */
  readonly maxBufferedBytes: number;
  /** Requests that are processed at once, not counting those whose body has not arrived. */
  readonly maxRequests: number;
  /** Ms for the body of a request to arrive. */
  readonly bodyTimeoutMs: number;
}

/** Default limits. */
export const RELAY_LIMITS: RelayLimits = {
  maxRequestBytes: 32 * 1024 * 1024,
  maxBufferedBytes: 256 * 1024 * 1024,
  maxRequests: 1_000,
  bodyTimeoutMs: 60_000,
};

/** Options for {@linkcode Relay}. */
export interface RelayOptions {
  readonly runtime: Runtime;
  readonly settings: Settings;
  /** Sends what is delivered, and what is passed on. */
  readonly fetch: Fetch;
  readonly logger: Logger;
  readonly commit: CommitPolicy;
  /** Tokens that callers show; `null` where none is needed. */
  readonly tokens: readonly string[] | null;
  /** `entity/project` of spans that name none. */
  readonly defaultProject?: string | undefined;
  /** Whether the rules of the settings are applied to what is recorded; `true` by default. */
  readonly redacts?: boolean;
  /** Makes metrics of the logs, to which those of the relay are added. */
  readonly collectMetrics?: () => Promise<MetricSamples>;
  readonly limits?: Partial<RelayLimits>;
  /** Opens the log of a project; the file log unless given. */
  readonly openPipeline?: OpenStrictPipeline;
}

/** Counters of a relay. */
export interface RelayCounters {
  /** Requests that were recorded, and their records. */
  writes: number;
  records: number;
  /** Requests that were passed on. */
  passed: number;
  /** Requests that could not be passed on because the server was away. */
  unreachable: number;
  /** Requests that were refused, by HTTP status. */
  readonly refused: Record<number, number>;
}

/** Processes requests. */
export class Relay {
  readonly logs: RelayLogs;
  readonly upstream: Upstream;
  readonly redaction: RequestRedaction;
  readonly bodyLimits: BodyLimits;
  readonly defaultProject: string | undefined;
  readonly counters: RelayCounters = {
    writes: 0,
    records: 0,
    passed: 0,
    unreachable: 0,
    refused: {},
  };
  readonly #options: RelayOptions;
  readonly #access: Access;
  readonly #limits: RelayLimits;
  #active = 0;
  #onIdle: (() => void) | undefined;
  #stopping = false;
  #diskError: string | null = null;

  /** Makes a relay that listens to nothing yet. */
  constructor(options: RelayOptions) {
    const { runtime, settings, tokens, fetch, logger, commit } = options;
    this.#options = options;
    this.#limits = { ...RELAY_LIMITS, ...options.limits };
    this.#access = new Access(tokens);
    this.defaultProject = options.defaultProject;
    this.redaction = new RequestRedaction(
      [settings.apiKey, settings.baseApiKey, ...tokens ?? []],
      options.redacts ?? true ? settings : null,
    );
    const { openPipeline } = options;
    this.logs = new RelayLogs({ runtime, settings, fetch, commit, logger, openPipeline });
    this.upstream = new Upstream({
      ...settings,
      fetch,
      known: new KnownAnswers(runtime, settings.walDir, settings.serverUrl),
      onFailed: () => this.counters.unreachable++,
    });
    this.bodyLimits = {
      maxBytes: this.#limits.maxRequestBytes,
      timeoutMs: this.#limits.bodyTimeoutMs,
      budget: new BodyBudget(this.#limits.maxBufferedBytes),
    };
  }

  /** Why no writes are taken; `null` while they are. */
  get reason(): string | null {
    return this.#stopping ? "The relay stops" : this.#diskError;
  }

  /** Requests that are being processed. */
  get active(): number {
    return this.#active;
  }

  /** @throws {RefusedRequest} for a caller without a token where one is needed, and for a web page. */
  authorize(request: Request): void {
    if (!this.#access.isOwn(request)) {
      throw new RefusedRequest(403, "Another host's name or page is refused without a token file");
    }
    if (!this.#access.allows(request.headers)) throw new RefusedRequest(401, "No valid token");
  }

  /** @throws {RefusedRequest} for a request that must not be processed. */
  admit(request: Request): void {
    this.authorize(request);
    if (this.#stopping) throw new RefusedRequest(503, "The relay stops", 1);
  }

  /** Processes a request that was read. @throws {RefusedRequest} if there are too many. */
  async process(run: () => Promise<void>): Promise<void> {
    if (this.#active >= this.#limits.maxRequests) {
      throw new RefusedRequest(503, "Too many requests in progress", 1);
    }
    this.#active++;
    try {
      await run();
    } finally {
      if (--this.#active === 0) this.#onIdle?.();
    }
  }

  /** Appends the records of a request, and waits until they are safe. Throws the host's error. */
  async commit(batch: WriteBatch): Promise<void> {
    await batch.commit();
    this.#diskError = null;
    this.counters.writes++;
    this.counters.records += batch.size;
  }

  /** Waits, within bounds, until the server has what was written to a project, or to any. */
  async delivered(projectId: string | undefined): Promise<void> {
    const one = projectId === undefined ? undefined : this.logs.opened(projectId);
    const logs = one ? [one] : projectId === undefined ? this.logs.all() : [];
    await Promise.all(logs.map((log) => log.delivered()));
  }

  /** A body with the server's digests in place of provisional ones, as far as they are known. */
  withFinalDigests(body: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const text = new TextDecoder().decode(body);
    const final = this.logs.withFinalDigests(text);
    return final === text ? body : new TextEncoder().encode(final);
  }

  /** Counts a request that was refused. */
  refused(status: number): void {
    this.counters.refused[status] = (this.counters.refused[status] ?? 0) + 1;
  }

  /** Takes note of a disk that does not take records. */
  failed(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#diskError = message;
    this.#options.logger.event({ level: "error", name: "disk-error", message });
  }

  /** Metrics of the logs and of the relay. */
  async metrics(): Promise<MetricSamples> {
    const samples = await this.#options.collectMetrics?.() ?? new MetricSamples();
    const { writes, records, passed, unreachable, refused } = this.counters;
    samples.add(RELAY_METRICS.requests, ["recorded"], writes);
    samples.add(RELAY_METRICS.requests, ["passed-on"], passed);
    for (const [status, count] of Object.entries(refused)) {
      samples.add(RELAY_METRICS.requests, ["refused"], count);
      samples.add(RELAY_METRICS.refused, [status], count);
    }
    samples.add(RELAY_METRICS.records, [], records);
    samples.add(RELAY_METRICS.unreachable, [], unreachable);
    samples.add(RELAY_METRICS.active, [], this.#active);
    samples.add(RELAY_METRICS.buffered, [], this.bodyLimits.budget.used);
    return samples;
  }

  /** Takes no more requests; resolves when those in progress are answered. */
  stop(): Promise<void> {
    this.#stopping = true;
    return new Promise((resolve) => {
      if (this.#active === 0) resolve();
      else this.#onIdle = resolve;
    });
  }

  /** Delivers for at most `timeoutMs`, and closes the logs. What is left stays on disk. */
  async finish(timeoutMs: number): Promise<void> {
    void this.stop();
    await this.logs.finish(timeoutMs);
  }
}
