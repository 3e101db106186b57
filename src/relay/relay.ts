/**
 * A relay implements the write API of a trace server: it appends writes to the log, and responds.
 *
 * @module
 */

import { messageOf } from "../errors.ts";
import type { Logger } from "../client/logger.ts";
import type { Settings } from "../client/settings/settings.ts";
import { MetricSamples } from "../metrics/exposition.ts";
import { RELAY_METRICS } from "../metrics/metric_list.ts";
import type { OwnFetch, Runtime } from "../runtime/runtime.ts";
import { Access } from "./access.ts";
import type { CommitPolicy } from "./log/relay_log.ts";
import { type OpenStrictPipeline, RelayLogs } from "./log/relay_logs.ts";
import type { WriteBatch } from "./log/write_batch.ts";
import { BodyBudget, type BodyLimits, RefusedRequest } from "./request/read_body.ts";
import { RequestRedaction } from "./request/redaction.ts";
import { KnownAnswers } from "./upstream/known_answers.ts";
import { Upstream } from "./upstream/forward.ts";

/** Limits of a relay. */
export interface RelayLimits {
  /** Maximum bytes of a request, also after decompression. */
  readonly maxRequestBytes: number;
  /** Maximum bytes of all requests in memory. */
  readonly maxBufferedBytes: number;
  /**
   * Maximum number of requests processed at once, not counting those whose body is still arriving.
   */
  readonly maxRequests: number;
  /**
   * Maximum number of open requests, including those whose body is still arriving, or whose
   * response is still being read.
   */
  readonly maxOpenRequests: number;
  /** Maximum number of projects with an open log. */
  readonly maxProjects: number;
  /** Timeout in ms for the body of a request, and for a caller that stops reading a response. */
  readonly bodyTimeoutMs: number;
}

/** Ms for which the relay is not ready after an error of the disk. */
const NOT_READY_MS = 15_000;

/** Default limits. */
export const RELAY_LIMITS: RelayLimits = {
  maxRequestBytes: 32 * 1024 * 1024,
  maxBufferedBytes: 256 * 1024 * 1024,
  maxRequests: 1_000,
  maxOpenRequests: 10_000,
  maxProjects: 1_024,
  bodyTimeoutMs: 60_000,
};

/** Options for {@linkcode Relay}. */
export interface RelayOptions {
  readonly runtime: Runtime;
  readonly settings: Settings;
  /** Sends requests for delivery, and forwarded requests. */
  readonly fetch: OwnFetch;
  readonly logger: Logger;
  readonly commit: CommitPolicy;
  /** Accepted tokens of callers; `null` if none are required. */
  readonly tokens: readonly string[] | null;
  /** `entity/project` of spans without a project. */
  readonly defaultProject?: string | undefined;
  /** Redacts records by the rules of the settings; default `true`. */
  readonly redacts?: boolean;
  /** Collects metrics of the logs, to which those of the relay are added. */
  readonly collectMetrics?: () => Promise<MetricSamples>;
  readonly limits?: Partial<RelayLimits>;
  /** Opens the log of a project; default: the file log. */
  readonly openPipeline?: OpenStrictPipeline;
}

/** Counters of a relay. */
export interface RelayCounters {
  /** Number of recorded requests, and of their records. */
  writes: number;
  records: number;
  /** Number of forwarded requests. */
  passed: number;
  /** Number of requests that could not be forwarded because the server was unreachable. */
  unreachable: number;
  /** Number of refused requests, by HTTP status. */
  readonly refused: Record<number, number>;
}

/** Handles requests. */
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
  #open = 0;
  #onIdle: (() => void) | undefined;
  #metrics: Promise<MetricSamples> | null = null;
  #stopping = false;
  #diskError: string | null = null;
  /** Time of that error, on the monotonic clock. */
  #diskFailedAt = -Infinity;

  /** Creates a relay that is not listening yet. */
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
    const { maxProjects: maxLogs } = this.#limits;
    this.logs = new RelayLogs({
      runtime,
      settings,
      fetch,
      commit,
      logger,
      maxLogs,
      openPipeline,
    });
    this.upstream = new Upstream({
      ...settings,
      fetch,
      known: new KnownAnswers(runtime, settings.walDir, settings.serverUrl),
      onFailed: () => this.counters.unreachable++,
      idleMs: this.#limits.bodyTimeoutMs,
      onBody: () => {
        this.#open++;
        return () => this.#open--;
      },
    });
    this.bodyLimits = {
      maxBytes: this.#limits.maxRequestBytes,
      timeoutMs: this.#limits.bodyTimeoutMs,
      budget: new BodyBudget(this.#limits.maxBufferedBytes),
    };
  }

  /** Why writes are refused; `null` if they are accepted. */
  get reason(): string | null {
    if (this.#stopping) return "The relay is shutting down";
    // Only another write shows whether the disk works again.
    const since = this.#options.runtime.clock.monotonic() - this.#diskFailedAt;
    return since < NOT_READY_MS ? this.#diskError : null;
  }

  /** Number of requests being processed. */
  get active(): number {
    return this.#active;
  }

  /** @throws {RefusedRequest} For a caller without a required token, and for a web page. */
  authorize(request: Request): void {
    if (!this.#access.isOwn(request)) {
      throw new RefusedRequest(
        403,
        "Without a token file, requests with another host name or from web pages are refused",
      );
    }
    if (!this.#access.allows(request.headers)) throw new RefusedRequest(401, "No valid token");
  }

  /**
   * Reads and processes a request.
   *
   * @throws {RefusedRequest} For a request that must not be processed, or if there are too many.
   */
  async admit(request: Request, run: () => Promise<void>): Promise<void> {
    this.authorize(request);
    if (this.#stopping) throw new RefusedRequest(503, "The relay is shutting down", 1);
    if (this.#open >= this.#limits.maxOpenRequests) throw tooMany();
    this.#open++;
    try {
      await run();
    } finally {
      this.#open--;
    }
  }

  /**
   * Processes a request whose body was read.
   *
   * @throws {RefusedRequest} If there are too many.
   */
  async process(run: () => Promise<void>): Promise<void> {
    if (this.#active >= this.#limits.maxRequests) throw tooMany();
    this.#active++;
    try {
      await run();
    } finally {
      if (--this.#active === 0) this.#onIdle?.();
    }
  }

  /**
   * Appends the records of a request, and waits until they are safe. Throws the file system error.
   */
  async commit(batch: WriteBatch): Promise<void> {
    await batch.commit();
    this.#diskError = null;
    this.counters.writes++;
    this.counters.records += batch.size;
  }

  /**
   * Waits, with a limit, until the server has received the writes to a project, or to all projects.
   */
  async delivered(projectId: string | undefined): Promise<void> {
    const one = projectId === undefined ? undefined : this.logs.opened(projectId);
    const logs = one ? [one] : projectId === undefined ? this.logs.all() : [];
    await Promise.all(logs.map((log) => log.delivered()));
  }

  /** Replaces provisional digests in a body with the server's, if known. */
  withFinalDigests(body: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const text = new TextDecoder().decode(body);
    const final = this.logs.withFinalDigests(text);
    return final === text ? body : new TextEncoder().encode(final);
  }

  /** Counts a refused request. */
  refused(status: number): void {
    this.counters.refused[status] = (this.counters.refused[status] ?? 0) + 1;
  }

  /**
   * Logs an error.
   *
   * @param isDisks Whether it is of the disk: the relay is then not ready for a while.
   */
  failed(error: unknown, isDisks: boolean): void {
    const message = messageOf(error);
    if (isDisks) {
      this.#diskError = message;
      this.#diskFailedAt = this.#options.runtime.clock.monotonic();
    }
    const name = isDisks ? "disk-error" : "request-failed";
    this.#options.logger.event({ level: "error", name, message });
  }

  /** Returns metrics of the logs and of the relay; concurrent calls share one collection. */
  metrics(): Promise<MetricSamples> {
    return this.#metrics ??= this.#collect().finally(() => this.#metrics = null);
  }

  async #collect(): Promise<MetricSamples> {
    const samples = await this.#options.collectMetrics?.() ?? new MetricSamples();
    const { writes, records, passed, unreachable, refused } = this.counters;
    samples.add(RELAY_METRICS.requests, ["recorded"], writes);
    samples.add(RELAY_METRICS.requests, ["forwarded"], passed);
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

  /** Stops accepting requests; resolves when those in progress are answered. */
  stop(): Promise<void> {
    this.#stopping = true;
    return new Promise((resolve) => {
      if (this.#active === 0) resolve();
      else this.#onIdle = resolve;
    });
  }

  /** Delivers for at most `timeoutMs`, and closes the logs. Remaining records stay on disk. */
  async finish(timeoutMs: number): Promise<void> {
    void this.stop();
    await this.logs.finish(timeoutMs);
  }
}

function tooMany(): RefusedRequest {
  return new RefusedRequest(503, "Too many requests in progress", 1);
}
