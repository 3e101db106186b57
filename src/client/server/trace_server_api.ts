/**
 * The trace server's routes, with the names that the official SDK's client uses.
 *
 * @module
 */

import type { ApiClient } from "./api_client.ts";
import type { TraceServerBodies, TraceServerProblem } from "./trace_server_bodies.ts";

/**
 * Routes by group and name. Each consists of the kind of its body and its path.
 *
 * @example
 * ```ts
 * import { TRACE_SERVER_ROUTES } from "@weave-wal/client";
 *
 * if (TRACE_SERVER_ROUTES.health.readRootHealthGet !== "GET /health") throw new Error("Unknown");
 * ```
 */
export const TRACE_SERVER_ROUTES = {
  health: { readRootHealthGet: "GET /health" },
  serverInfo: { serverInfoServerInfoGet: "GET /server_info" },
  call: {
    callStartCallStartPost: "WRITE /call/start",
    callEndCallEndPost: "WRITE /call/end",
    callStartBatchCallUpsertBatchPost: "WRITE /call/upsert_batch",
    callUpdateCallUpdatePost: "WRITE /call/update",
    callReadCallReadPost: "READ /call/read",
  },
  calls: {
    callsDeleteCallsDeletePost: "READ /calls/delete",
    callsQueryStatsCallsQueryStatsPost: "READ /calls/query_stats",
    callsQueryStreamCallsStreamQueryPost: "READ /calls/stream_query",
  },
  obj: {
    objCreateObjCreatePost: "WRITE /obj/create",
    objReadObjReadPost: "READ /obj/read",
  },
  objs: { objsQueryObjsQueryPost: "READ /objs/query" },
  table: {
    tableCreateTableCreatePost: "WRITE /table/create",
    tableUpdateTableUpdatePost: "WRITE /table/update",
    tableQueryTableQueryPost: "READ /table/query",
    tableQueryStatsTableQueryStatsPost: "READ /table/query_stats",
  },
  refs: { refsReadBatchRefsReadBatchPost: "READ /refs/read_batch" },
  file: {
    fileCreateFileCreatePost: "FORM /file/create",
    fileContentFileContentPost: "READ /file/content",
  },
  cost: {
    costCreateCostCreatePost: "WRITE /cost/create",
    costQueryCostQueryPost: "READ /cost/query",
    costPurgeCostPurgePost: "READ /cost/purge",
  },
  feedback: {
    feedbackCreateFeedbackCreatePost: "WRITE /feedback/create",
    feedbackQueryFeedbackQueryPost: "READ /feedback/query",
    feedbackPurgeFeedbackPurgePost: "READ /feedback/purge",
    feedbackReplaceFeedbackReplacePost: "WRITE /feedback/replace",
  },
} as const;

/**
 * Type of {@linkcode TRACE_SERVER_ROUTES}.
 *
 * @example
 * ```ts
 * import type { TraceServerRoutes } from "@weave-wal/client";
 *
 * const group: keyof TraceServerRoutes = "calls";
 * if (group !== "calls") throw new Error("Calls are a group");
 * ```
 */
export type TraceServerRoutes = typeof TRACE_SERVER_ROUTES;
/** Kind of a body: none, unchanged, redacted, or a form. */
type Kind = "GET" | "READ" | "WRITE" | "FORM";

/**
 * Parameters of a request.
 *
 * @example
 * ```ts ignore
 * import { init, type TraceServerParams } from "@weave-wal/client";
 *
 * await using client = await init("team/project");
 * const params: TraceServerParams = { signal: AbortSignal.timeout(1_000) };
 * await client.traceServerApi.health.readRootHealthGet(params);
 * ```
 */
export interface TraceServerParams {
  /** `json` and others parse the body into `data`; `null` leaves it in the response. */
  readonly format?: "json" | "text" | "blob" | "arrayBuffer" | null;
  /** Additional headers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Aborts the request. */
  readonly signal?: AbortSignal | null;
}

/**
 * A response whose body was read into `data` if it was successful, otherwise into `error`.
 *
 * @example
 * ```ts ignore
 * import { init, type TraceServerResponse } from "@weave-wal/client";
 *
 * await using client = await init("team/project");
 * const response: TraceServerResponse = await client.traceServerApi.health.readRootHealthGet();
 * console.log(response.status, response.data);
 * ```
 */
export interface TraceServerResponse<Data = unknown, Problem = TraceServerProblem>
  extends Response {
  /** Body of a successful response; `null` otherwise. */
  data: Data;
  /** Body of an error response, or why the body could not be read; `null` otherwise. */
  error: Problem;
}

/**
 * Sends one request. Rejects with the {@linkcode TraceServerResponse} if it is an error.
 *
 * @example
 * ```ts ignore
 * import { init, type TraceServerBodies, type TraceServerRequest } from "@weave-wal/client";
 *
 * await using client = await init("team/project");
 * type Bodies = TraceServerBodies["objsQueryObjsQueryPost"];
 * const { objsQueryObjsQueryPost } = client.traceServerApi.objs;
 * const query: TraceServerRequest<Bodies[0], Bodies[1]> = objsQueryObjsQueryPost;
 * console.log((await query({ project_id: client.projectId })).data.objs.length);
 * ```
 */
export type TraceServerRequest<Body = object, Answer = unknown> = <Data = Answer>(
  data: Body,
  params?: TraceServerParams,
) => Promise<TraceServerResponse<Data, TraceServerProblem>>;

/**
 * Sends one request without a body.
 *
 * @example
 * ```ts ignore
 * import { init, type TraceServerGet } from "@weave-wal/client";
 *
 * await using client = await init("team/project");
 * const health: TraceServerGet = client.traceServerApi.health.readRootHealthGet;
 * console.log((await health()).status);
 * ```
 */
export type TraceServerGet<Answer = unknown> = <Data = Answer>(
  params?: TraceServerParams,
) => Promise<TraceServerResponse<Data, TraceServerProblem>>;

/**
 * Methods for the routes of the trace server.
 *
 * @example
 * ```ts ignore
 * import { init } from "@weave-wal/client";
 *
 * await using client = await init("team/project");
 * const { data } = await client.traceServerApi.calls.callsQueryStatsCallsQueryStatsPost({
 *   project_id: client.projectId,
 * });
 * console.log(data);
 * ```
 */
export type TraceServerApi =
  & { /** Base URL of the trace server. */ readonly baseUrl: string }
  & {
    readonly [Group in keyof TraceServerRoutes]: {
      readonly [Name in keyof TraceServerRoutes[Group]]: Name extends keyof TraceServerBodies
        ? TraceServerRoutes[Group][Name] extends `GET ${string}`
          ? TraceServerGet<TraceServerBodies[Name][1]>
        : TraceServerRequest<TraceServerBodies[Name][0], TraceServerBodies[Name][1]>
        : never;
    };
  };

/** Dependencies of the API. */
export interface TraceServerApiDeps {
  readonly reader: ApiClient;
  /** Resolves when the server has received earlier writes. */
  readonly barrier: (path: string) => Promise<unknown>;
  /** Returns the JSON text of a value, redacted. */
  readonly toText: (value: object) => string;
  /** Returns the content of a file, redacted. */
  readonly redactFile: (name: string, content: Uint8Array) => string | Uint8Array;
}

/** Creates the API of one server. */
export function traceServerApi(deps: TraceServerApiDeps): TraceServerApi {
  const groups = Object.entries(TRACE_SERVER_ROUTES).map(([group, routes]) => {
    const methods = Object.entries(routes).map(([name, route]) => {
      const [kind, path] = route.split(" ") as [Kind, string];
      const method = kind === "GET"
        ? (params: TraceServerParams = {}) => send(deps, kind, path, {}, params)
        : (data: object, params: TraceServerParams = {}) => send(deps, kind, path, data, params);
      return [name, method];
    });
    return [group, Object.fromEntries(methods)];
  });
  return { baseUrl: deps.reader.url, ...Object.fromEntries(groups) } as TraceServerApi;
}

async function send(
  { reader, barrier, toText, redactFile }: TraceServerApiDeps,
  kind: Kind,
  path: string,
  data: object,
  { format = "json", headers = {}, signal }: TraceServerParams,
): Promise<TraceServerResponse<unknown, unknown>> {
  if (kind !== "GET") await barrier(path);
  const response = await reader.response(path, {
    method: kind === "GET" ? "GET" : "POST",
    headers: {
      ...(kind === "READ" || kind === "WRITE" ? { "Content-Type": "application/json" } : {}),
      ...headers,
    },
    body: kind === "GET"
      ? null
      : kind === "FORM"
      ? await form(data, redactFile)
      : kind === "WRITE"
      ? toText(data)
      : JSON.stringify(data),
    signal: signal ?? null,
  });
  const result: TraceServerResponse<unknown, unknown> = Object.assign(response.clone(), {
    data: null,
    error: null,
  });
  if (format !== null) {
    try {
      result[response.ok ? "data" : "error"] = await response[format]();
    } catch (error) {
      result.error = error;
    }
  }
  if (!response.ok) throw result;
  return result;
}

async function form(data: object, redact: TraceServerApiDeps["redactFile"]): Promise<FormData> {
  const made = new FormData();
  for (const [name, value] of Object.entries(data)) {
    if (value instanceof Blob) made.append(name, await redactedBlob(value, redact));
    else made.append(name, typeof value === "object" ? JSON.stringify(value) : String(value));
  }
  return made;
}

/** Returns the same blob if nothing in it is redacted. */
async function redactedBlob(blob: Blob, redact: TraceServerApiDeps["redactFile"]): Promise<Blob> {
  const name = blob instanceof File ? blob.name : "blob";
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const content = redact(name, bytes);
  return content === bytes ? blob : new File([content as BlobPart], name, { type: blob.type });
}
