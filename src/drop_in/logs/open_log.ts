/**
 * Opens the log of one project, and tracks the state of its server.
 *
 * @module
 */

import { WeaveWalError } from "../../errors.ts";
import { WeaveClient } from "../../client/weave_client/client.ts";
import type { ClientDeps } from "../../client/weave_client/client_types.ts";
import { closeGlobalClient } from "../../client/global_client.ts";
import type { Logger } from "../../client/logger.ts";
import { MetadataCache } from "../../client/server/metadata_cache.ts";
import type { WalEvent } from "../../client/pipeline/status/events.ts";
import type {
  FlushOptions,
  FlushResult,
  Pipeline,
  PipelineOptions,
  WriterPipeline,
} from "../../client/pipeline/pipeline.ts";
import { ProjectIdResolver } from "../../client/server/project_id_resolver.ts";
import { ApiClient } from "../../client/server/api_client.ts";
import type { Redactor } from "../../client/redaction/redactor.ts";
import type { Settings } from "../../client/settings/settings.ts";
import { logOn, untrustedDirectory } from "../../client/log_on.ts";
import { unencrypted } from "../../client/settings/urls.ts";
import { validateName } from "../../wal/segment/project_directory.ts";
import { createIds } from "../../protocol/ids.ts";
import { LentPipeline } from "./joined_client.ts";
import { ProjectLog } from "./project_log.ts";

/** Maximum ms for which a read waits for earlier writes. */
const READ_WAIT_MS = 10_000;

/** Identifies a log. */
export interface LogKey {
  /** Base URL of the trace server, without a trailing slash. */
  readonly server: string;
  /** `entity/project`. */
  readonly projectId: string;
  /** The API key that the SDK sends. */
  readonly apiKey: string | undefined;
}

/** Options for {@linkcode OpenLog}. */
export interface OpenLogOptions<Opened extends WriterPipeline = Pipeline> {
  readonly key: LogKey;
  readonly settings: Settings;
  readonly redactor: Redactor;
  readonly requireDisk: boolean;
  readonly host: Pick<PipelineOptions, "runtime" | "fetch" | "heldMs" | "random" | "onEvent">;
  readonly openPipeline: (options: PipelineOptions) => Opened;
  readonly logger: Logger;
}

/** The log of a project, with its sender and their dependencies. */
export class OpenLog<Opened extends WriterPipeline = Pipeline> {
  readonly log: ProjectLog;
  readonly #pipeline: Opened;
  readonly #projectIds: ProjectIdResolver;
  readonly #reader: ApiClient;
  readonly #clientDeps: Omit<ClientDeps, "settings" | "pipeline">;
  readonly #settings: Settings;
  readonly #waiting = new Set<AbortController>();
  #client: WeaveClient | undefined;
  #reachable = true;

  /** @throws {WeaveWalError} `ERR_INVALID_NAME`, `ERR_INVALID_OPTION`, `ERR_LOG_UNWRITABLE`. */
  constructor(options: OpenLogOptions<Opened>) {
    const { key, settings, redactor, requireDisk, host, openPipeline, logger } = options;
    const { server, projectId, apiKey } = key;
    const { clock } = host.runtime;
    const [entity, project] = splitProject(projectId);
    const refused = unencrypted(server, settings.allowHttp, "the trace server of weave");
    if (refused && settings.sender) throw refused;
    const ids = createIds({
      now: () => clock.now(),
      randomBytes: (into) => crypto.getRandomValues(into),
    });
    this.#pipeline = openPipeline({
      ...settings,
      ...host,
      requireDisk,
      token: ids.uuidHex,
      entity,
      project,
      serverUrl: server,
      apiKey,
      onEvent: (event) => {
        host.onEvent(event);
        this.#watch(event);
      },
    });
    if (settings.wal) {
      host.onEvent(logOn({ ...settings, entity, project, serverUrl: server }));
      const untrusted = untrustedDirectory(host.runtime, settings.walDir);
      if (untrusted !== null) host.onEvent(untrusted);
    }
    const { timeoutMs, walDir, sender } = settings;
    this.#reader = new ApiClient({ fetch: host.fetch, clock, url: server, apiKey, timeoutMs });
    const facts = new MetadataCache(host.runtime, server, settings.wal ? walDir : null);
    this.#projectIds = new ProjectIdResolver(facts, this.#reader, clock);
    this.log = new ProjectLog({
      projectId,
      pipeline: this.#pipeline,
      ids,
      clock,
      projectIds: this.#projectIds,
      sender,
      redactor,
    });
    this.#settings = settings;
    this.#clientDeps = {
      entity,
      project,
      ids,
      clock,
      reader: this.#reader,
      backgroundReader: this.#reader,
      facts,
      logger,
      redactor,
      system: host.runtime.process.system,
    };
  }

  /**
   * Returns a client of this package with the same log.
   *
   * @param globalAttributes Attributes of every call; only used the first time.
   */
  client(
    this: OpenLog,
    globalAttributes: Record<string, unknown> | undefined,
  ): WeaveClient {
    return this.#client ??= new WeaveClient({
      ...this.#clientDeps,
      pipeline: new LentPipeline(this.#pipeline, (options) => this.finish(options)),
      settings: { ...this.#settings, ...globalAttributes ? { globalAttributes } : {} },
    });
  }

  /**
   * Waits, while the server is reachable, until it has received everything written so far, so that
   * a later read finds it. Never rejects.
   */
  async delivered(): Promise<void> {
    if (!this.#reachable) return;
    const closed = new AbortController();
    this.#waiting.add(closed);
    await this.#pipeline.flush({
      timeout: READ_WAIT_MS,
      signal: closed.signal,
      isForRead: true,
    });
    this.#waiting.delete(closed);
  }

  /** Waits until everything written so far is delivered or dead-lettered. */
  flush(options?: FlushOptions): Promise<FlushResult> {
    return this.#pipeline.flush(options);
  }

  /** Flushes and closes the log. */
  async finish(options?: FlushOptions): Promise<FlushResult> {
    this.log.closed = true;
    if (this.#client) closeGlobalClient(this.#client);
    const result = await this.#pipeline.finish(options);
    this.#reader.close();
    await this.#projectIds.idle();
    return result;
  }

  #watch({ name }: WalEvent): void {
    if (name === "server-up") this.#reachable = true;
    if (name !== "server-down" && name !== "server-blocked") return;
    this.#reachable = false;
    for (const closed of this.#waiting) closed.abort();
  }
}

function splitProject(projectId: string): [entity: string, project: string] {
  const parts = `${projectId}`.split("/");
  if (parts.length === 2) {
    return [validateName("entity", parts[0]), validateName("project", parts[1])];
  }
  throw new WeaveWalError(
    "ERR_INVALID_NAME",
    `Cannot use project: ${JSON.stringify(projectId)} is not "entity/project"`,
  );
}
