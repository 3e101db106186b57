/**
 * Interception of calls: the official SDK's client passes starts and ends to the log instead of its
 * queue.
 *
 * The SDK queues a call in memory for 200 ms before it sends it. The two methods that fill the
 * queue are the same in all versions so far. Whether a version still works like that is tested, not
 * derived from its number.
 *
 * @module
 */

import { messageOf } from "../../errors.ts";
import { shared } from "../../runtime/process/shared_state.ts";
import { intercepting } from "../intercept/intercept.ts";
import type { Json } from "../intercept/json_text.ts";
import type { LogKey } from "../logs/open_log.ts";
import type { ProjectLog } from "../logs/project_log.ts";
import type { SdkLogs } from "../logs/sdk_logs.ts";
import type { WeaveClient } from "../../client/weave_client/client.ts";
import { notePackagesJoined } from "../../client/mixed_packages.ts";
import { useJoinedClient } from "../logs/joined_client.ts";
import { joinStacks, keepsStack } from "./join_stacks.ts";
import { apiKeyIn, type Fetch } from "../intercept/sdk_request.ts";

/** The methods of the SDK's client that are replaced. */
export interface QueueMethods {
  saveCallStart(start: Json): void;
  saveCallEnd(end: Json): void;
}

/** The part of the SDK's client that shows where it sends. */
export interface SdkClient {
  readonly projectId: string;
  readonly settings?: { readonly attributes?: Record<string, unknown> };
  readonly traceServerApi: {
    readonly baseUrl: string;
    readonly baseApiParams: { readonly headers: HeadersInit };
    customFetch: Fetch;
  };
}

/** Returns whether `value` looks like a client of the SDK. */
export function isSdkClient(value: unknown): value is SdkClient {
  const { projectId, traceServerApi } = (value ?? {}) as Partial<SdkClient>;
  return typeof projectId === "string" && typeof traceServerApi?.baseUrl === "string" &&
    typeof traceServerApi.customFetch === "function";
}

/**
 * Returns whether the methods work as expected: they append a start or an end, unchanged, to a
 * queue. They are tried on a dummy client.
 */
export function hasCompatibleQueue(methods: unknown): methods is QueueMethods {
  const { saveCallStart, saveCallEnd } = (methods ?? {}) as Partial<QueueMethods>;
  if (typeof saveCallStart !== "function" || typeof saveCallEnd !== "function") return false;
  const queue: { mode?: unknown; data?: { start?: unknown; end?: unknown } }[] = [];
  const standIn = { callQueue: queue, scheduleBatchProcessing: () => {} };
  const start = {}, end = {};
  try {
    saveCallStart.call(standIn as unknown as QueueMethods, start);
    saveCallEnd.call(standIn as unknown as QueueMethods, end);
  } catch {
    return false;
  }
  const [first, second] = queue;
  return queue.length === 2 && first?.mode === "start" && first.data?.start === start &&
    second?.mode === "end" && second.data?.end === end;
}

/** Hint if the SDK works in an unknown way. */
export const OTHER_VERSION: string = "Use a tested version of weave: see docs/official-sdk.md";

/** Warns once that calls reach the log later than possible, with a remedy. */
export function warnDelayedCalls({ logger }: SdkLogs, what: string, help: string): void {
  logger.once(
    "warn",
    "request-level",
    `Cannot intercept the queue of ${what}: calls reach the log only when the SDK sends them, up to ` +
      `200 ms later, and are lost if the process ends before that. ${help}`,
  );
}

/** Replaces the methods, on a client or on the prototype of all clients. */
export function replaceQueue(
  methods: QueueMethods,
  logOf: (client: object) => ProjectLog | null,
): void {
  const { saveCallStart, saveCallEnd } = methods;
  const replace = (name: keyof QueueMethods, value: (this: object, part: Json) => void): void => {
    Object.defineProperty(methods, name, { value, writable: true, configurable: true });
  };
  replace("saveCallStart", function (start) {
    const log = isCallPart(start) ? logOf(this) : null;
    if (log) log.calls.start(start, log.redactor);
    else saveCallStart.call(this as QueueMethods, start);
  });
  replace("saveCallEnd", function (end) {
    const log = isCallPart(end) ? logOf(this) : null;
    if (log) log.calls.end(end, log.redactor);
    else saveCallEnd.call(this as QueueMethods, end);
  });
}

function isCallPart(part: Json): boolean {
  return typeof part?.id === "string" && typeof part.project_id === "string";
}

/** Shared: a client that one copy of the package attached is attached for every copy. */
const attached = shared("attached-clients", () => new WeakSet<object>());

/** Returns whether a client's writes go to a log. */
export function isAttached(client: object): boolean {
  return attached.has(client);
}

/** Attaches clients to the logs of their projects. */
export class ClientAttachments {
  readonly #logs: SdkLogs;
  readonly #known = new WeakMap<object, { key: LogKey; log: ProjectLog } | null>();

  constructor(logs: SdkLogs) {
    this.#logs = logs;
  }

  /**
   * Opens the log of a client's project, and intercepts the client's requests.
   *
   * @throws {WeaveWalError} The same as {@linkcode SdkLogs.of}.
   */
  attach(client: SdkClient): ProjectLog {
    const api = client.traceServerApi;
    const key: LogKey = {
      server: serverOf(api.baseUrl),
      projectId: client.projectId,
      apiKey: apiKeyIn(new Headers(api.baseApiParams?.headers)),
    };
    const log = this.#logs.of(key);
    const { customFetch } = api;
    api.customFetch = intercepting(
      this.#logs,
      (input, init) => customFetch.call(api, input, init),
      { trusted: true },
    );
    this.#known.set(client, { key, log });
    attached.add(client);
    return log;
  }

  /** Returns the log of a client, and attaches the client if necessary; `null` if that fails. */
  readonly logOf = (client: object): ProjectLog | null => {
    const known = this.#known.get(client);
    if (known === null) return null;
    try {
      if (known === undefined) return isSdkClient(client) ? this.attach(client) : null;
      // The log was finished: open a new one.
      if (known.log.closed) known.log = this.#logs.of(known.key);
      return known.log;
    } catch (error) {
      this.#known.set(client, null);
      const why = messageOf(error);
      this.#logs.logger.once("error", "not-durable", `Cannot make weave durable: ${why}`);
      return null;
    }
  };

  /**
   * Returns the client of this package for the log of an official client; `null` if that has none.
   */
  readonly clientOf = (client: object): WeaveClient | null => {
    const known = this.logOf(client) && this.#known.get(client);
    if (!known) return null;
    return this.#logs.openFor(known.key).client((client as SdkClient).settings?.attributes);
  };

  /** Joins the call stacks of this package and of official clients. */
  join(methods: unknown): void {
    if (!keepsStack(methods)) return;
    joinStacks(methods, this.clientOf);
    notePackagesJoined();
  }

  /** Lets ops of this package write to the project of an official client when that is created. */
  use(client: object): void {
    const own = this.clientOf(client);
    if (own) useJoinedClient(own);
  }
}

/** Normalizes a base URL for comparison: without a trailing slash. */
function serverOf(baseUrl: string): string {
  const { origin, pathname } = new URL(baseUrl);
  return (origin + pathname).replace(/\/+$/, "");
}
