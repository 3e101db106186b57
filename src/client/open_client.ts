/**
 * Opens a client for a project, with options and an environment.
 *
 * @module
 */

import { WeaveWalError } from "../errors.ts";
import { requestHolds } from "../runtime/network/hold_tracker.ts";
import type { OwnFetch, Runtime } from "../runtime/runtime.ts";
import { validateName } from "../wal/segment/project_directory.ts";
import { createIds } from "../protocol/ids.ts";
import { WeaveClient } from "./weave_client/client.ts";
import { defaultEntity } from "./server/default_entity.ts";
import { MetadataCache } from "./server/metadata_cache.ts";
import { createLogger, type Logger, type Sink } from "./logger.ts";
import { describeError } from "./calls/describe_error.ts";
import { nullPipeline } from "./pipeline/disabled_pipeline.ts";
import { Redactor } from "./redaction/redactor.ts";
import type { InitOptions } from "./settings/options.ts";
import type { Pipeline, PipelineOptions } from "./pipeline/pipeline.ts";
import { ApiClient } from "./server/api_client.ts";
import { type backgroundFetch, invisible } from "./server/host_fetch.ts";
import { unusableProxy } from "./server/proxy.ts";
import { show } from "./settings/invalid_option.ts";
import { withinPermissions } from "./settings/permissions.ts";
import { misspelledVariables } from "./settings/misspelled.ts";
import { resolveSettings, type Settings } from "./settings/settings.ts";
import { logOn, untrustedDirectory } from "./log_on.ts";

/** Environment of a client; options of the same name take precedence. */
export interface ClientEnvironment {
  readonly runtime: Runtime;
  /** For requests that the program waits for. */
  readonly fetch: OwnFetch;
  /** Creates the `fetch` for background requests; default: `fetch`. */
  readonly background?: typeof backgroundFetch;
  readonly sink: Sink;
  readonly openPipeline: (options: PipelineOptions) => Pipeline;
  /** Finds the open client for resolved settings, and stores a new one. */
  readonly pool?: {
    find(target: OpenTarget): WeaveClient | null;
    keep(target: OpenTarget, client: WeaveClient): void;
  };
}

/** Settings and entity of a client. */
export interface OpenTarget {
  readonly entity: string;
  readonly project: string;
  readonly runtime: Runtime;
  readonly settings: Settings;
}

/**
 * Opens a client.
 *
 * @param name `entity/project`, or a project of the key's default entity.
 * @throws {WeaveWalError} `ERR_INVALID_NAME`, `ERR_INVALID_OPTION`, `ERR_MISSING_API_KEY`,
 * `ERR_LOG_UNWRITABLE`; `ERR_REQUEST_FAILED` if the default entity is needed and cannot be
 * requested.
 */
export async function openClient(
  name: string,
  options: InitOptions,
  host: ClientEnvironment,
): Promise<WeaveClient> {
  const opening = beginOpening(name, options, host);
  const { settings, facts, fetch, runtime } = opening;
  const entity = opening.entity ?? await defaultEntity({
    reader: new ApiClient({
      fetch,
      clock: runtime.clock,
      url: settings.baseUrl,
      apiKey: settings.baseApiKey,
      timeoutMs: settings.timeoutMs,
    }),
    facts,
    apiKey: settings.baseApiKey,
  });
  return completeOpening(opening, validateName("entity", entity), host);
}

/**
 * Opens a client synchronously. The name must not depend on a server's response.
 *
 * @param name `entity/project`.
 * @throws {WeaveWalError} The same as {@linkcode openClient}; `ERR_INVALID_NAME` for a name without
 * an entity.
 */
export function openClientNow(
  name: string,
  options: InitOptions,
  host: ClientEnvironment,
): WeaveClient {
  const opening = beginOpening(name, options, host);
  if (opening.entity !== undefined) return completeOpening(opening, opening.entity, host);
  throw new WeaveWalError(
    "ERR_INVALID_NAME",
    `Cannot use project: ${show(name)} names no entity; write "entity/project"`,
  );
}

/** Everything about a client that does not depend on its entity. */
interface Opening {
  readonly options: InitOptions;
  readonly runtime: Runtime;
  readonly settings: Settings;
  readonly missingPermission: string | null;
  readonly fetch: OwnFetch;
  readonly background: OwnFetch;
  readonly redactor: Redactor;
  readonly logger: Logger;
  readonly facts: MetadataCache;
  /** The entity, if the name or the settings contain it. */
  readonly entity: string | undefined;
  readonly project: string;
}

function beginOpening(name: string, options: InitOptions, host: ClientEnvironment): Opening {
  // A value that is not an object is rejected with the settings.
  const runtime = options?.runtime ?? host.runtime;
  const { settings, message: missingPermission } = withinPermissions(
    runtime,
    resolveSettings(runtime, options),
    options,
  );
  const fetch = options.fetch ? invisible(options.fetch) : host.fetch;
  const background = host.background?.(runtime, settings.exitDrainMs, options.fetch) ?? fetch;
  const redactor = new Redactor({
    settings,
    redact: options.redact,
    apiKey: settings.apiKey,
    onFailure: (error) => {
      const message = `Redacted a value because redact failed: ${describeError(error)}`;
      logger.once("warn", "redact-failed", message);
    },
  });
  const logger = createLogger(settings.logLevel, host.sink, options.onEvent, redactor.line);
  const { serverUrl, walDir } = settings;
  const keep = settings.wal && !settings.disabled;
  const facts = new MetadataCache(runtime, serverUrl, keep ? walDir : null);
  const { project, entity = settings.disabled ? "disabled" : undefined } = splitName(name);
  return {
    options,
    runtime,
    settings,
    missingPermission,
    fetch,
    background,
    redactor,
    logger,
    facts,
    entity,
    project,
  };
}

function completeOpening(
  opening: Opening,
  entity: string,
  host: ClientEnvironment,
): WeaveClient {
  const { options, runtime, settings, fetch, background, redactor, logger, facts } = opening;
  const { project, missingPermission } = opening;
  const { random } = options;
  const { clock } = runtime;
  const { apiKey, timeoutMs } = settings;
  const ids = createIds({
    now: () => clock.now(),
    randomBytes: random ? bytesFrom(random) : (into) => crypto.getRandomValues(into),
  });
  // Synchronous from here on: of several concurrent calls, the first creates the client for all.
  const target: OpenTarget = { entity, project, runtime, settings };
  const open = host.pool?.find(target);
  if (open) return open;
  for (const message of misspelledVariables(runtime)) {
    logger.event({ level: "warn", name: "unknown-variable", message });
  }
  const pipeline = settings.disabled ? nullPipeline : host.openPipeline({
    ...settings,
    // An unusable default directory must not prevent the start.
    requireDisk: settings.walDirExplicit,
    token: ids.uuidHex,
    runtime,
    fetch: background,
    heldMs: () => requestHolds.heldAtExitMs,
    random: random ?? Math.random,
    entity,
    project,
    onEvent: logger.event,
  });
  if (missingPermission !== null) {
    logger.event({ level: "warn", name: "missing-permission", message: missingPermission });
  }
  const proxy = settings.sender && !settings.disabled && options.fetch === undefined
    ? unusableProxy(runtime, settings.serverUrl)
    : null;
  if (proxy !== null) logger.event({ level: "warn", name: "proxy-unused", message: proxy });
  if (settings.wal && !settings.disabled) {
    logger.event(logOn({ ...settings, entity, project }));
    const untrusted = untrustedDirectory(runtime, settings.walDir);
    if (untrusted !== null) logger.event(untrusted);
  }
  const server = { clock, url: settings.serverUrl, apiKey, timeoutMs };
  const client = new WeaveClient({
    entity,
    project,
    settings,
    pipeline,
    ids,
    clock,
    reader: new ApiClient({ ...server, fetch }),
    backgroundReader: new ApiClient({ ...server, fetch: background }),
    facts,
    logger,
    redactor,
    system: runtime.process.system,
  });
  host.pool?.keep(target, client);
  return client;
}

function splitName(name: string): { entity: string | undefined; project: string } {
  if (typeof name !== "string") {
    throw new WeaveWalError(
      "ERR_INVALID_NAME",
      `Cannot use project: ${show(name)} is not text such as "entity/project"`,
    );
  }
  const slash = name.indexOf("/");
  const entity = slash === -1 ? undefined : validateName("entity", name.slice(0, slash));
  return { entity, project: validateName("project", name.slice(slash + 1)) };
}

function bytesFrom(random: () => number): (into: Uint8Array<ArrayBuffer>) => void {
  return (into) => {
    for (let i = 0; i < into.length; i++) into[i] = Math.floor(random() * 256);
  };
}
