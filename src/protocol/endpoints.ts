/**
 * Endpoint of each record type, as in the public Weave SDKs; all requests are POST.
 *
 * @module
 */

import type { RecordType } from "./record_types.ts";

/** Endpoint of one record type. */
export interface Endpoint {
  /**
   * Paths that take one request, newest first: a server that answers 404 or 405 to one may know
   * the next.
   */
  readonly paths: readonly [string, ...string[]];
  /** Path that takes several of them at once as `{"batch":[…]}`, where there is one. */
  readonly batch?: string;
  /**
   * Form of one item of the batch: `start` and `end` as
   * `{"mode":"start","req":<request>}`, `plain` as the request itself.
   */
  readonly batchItem?: "start" | "end" | "plain";
  /**
   * Way to build the body from the record: its unchanged JSON text, a form, or the bytes of a
   * serialized message, for several records one behind the other.
   */
  readonly body: "json" | "multipart" | "protobuf";
  /**
   * The object that may hold `expected_digest`: a field of the request, or `""` for the request
   * itself. After a 409 it is sent again without it. Left out where there is none.
   */
  readonly expectedDigestIn?: string;
}

/** Path for starts and ends together, on servers and projects of the older kind. */
export const CALL_BATCH_PATH = "/call/upsert_batch";

/** The endpoint of every record type. */
export const ENDPOINTS: Readonly<Record<RecordType, Endpoint>> = {
  call_start: {
    paths: ["/call/start"],
    batch: CALL_BATCH_PATH,
    batchItem: "start",
    body: "json",
  },
  call_end: {
    paths: ["/call/end"],
    batch: CALL_BATCH_PATH,
    batchItem: "end",
    body: "json",
  },
  call_update: { paths: ["/call/update"], body: "json" },
  calls_delete: { paths: ["/calls/delete"], body: "json" },
  obj_create: { paths: ["/obj/create"], body: "json", expectedDigestIn: "obj" },
  table_create: { paths: ["/table/create"], body: "json", expectedDigestIn: "table" },
  table_update: { paths: ["/table/update"], body: "json" },
  table_create_from_digests: {
    paths: ["/table/create_from_digests"],
    body: "json",
    expectedDigestIn: "",
  },
  file_create: {
    paths: ["/files/create", "/file/create"],
    body: "multipart",
    expectedDigestIn: "",
  },
  feedback_create: {
    paths: ["/feedback/create"],
    batch: "/feedback/batch/create",
    batchItem: "plain",
    body: "json",
  },
  feedback_replace: { paths: ["/feedback/replace"], body: "json" },
  cost_create: { paths: ["/cost/create"], body: "json" },
  otel_traces: { paths: ["/otel/v1/traces"], body: "protobuf" },
  otel_agents: { paths: ["/agents/otel/v1/traces"], body: "protobuf" },
};

/** Operations of the v2 calls API. */
export type V2CallRoute = "calls/complete" | "call/start" | "call/end";

/**
 * Path of the newer way to write calls: whole ones in a batch, or a start and an end of their own.
 *
 * @example
 * ```ts
 * const path = v2CallPath("team", "my project", "calls/complete");
 * if (path !== "/v2/team/my%20project/calls/complete") throw new Error(path);
 * ```
 */
export function v2CallPath(entity: string, project: string, route: V2CallRoute): string {
  return `/v2/${encodeURIComponent(entity)}/${encodeURIComponent(project)}/${route}`;
}
