/**
 * The endpoint of each record type, as in the public Weave SDKs. All requests are POST.
 *
 * @module
 */

import type { RecordType } from "./record_types.ts";

/** Endpoint of one record type. */
export interface Endpoint {
  /**
   * Paths for a single request, newest first: a server that answers 404 or 405 to one may support
   * the next.
   */
  readonly paths: readonly [string, ...string[]];
  /** Path for several requests at once, as `{"batch":[…]}`, if there is one. */
  readonly batch?: string;
  /**
   * Format of a batch item: `start` and `end` as `{"mode":"start","req":<request>}`, `plain` as the
   * request itself.
   */
  readonly batchItem?: "start" | "end" | "plain";
  /**
   * Format of the body: the record's unchanged JSON text, a form, or the bytes of a serialized
   * message (concatenated for several records).
   */
  readonly body: "json" | "multipart" | "protobuf";
  /**
   * Field that may contain `expected_digest`, or `""` for the request itself. After a 409 the
   * request is sent again without it. Absent if there is none.
   */
  readonly expectedDigestIn?: string;
}

/** Path for starts and ends together, on older servers and projects. */
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

/** Routes of the v2 calls API. */
export type V2CallRoute = "calls/complete" | "call/start" | "call/end";

/**
 * Returns a path of the v2 calls API: complete calls in a batch, or a single start or end.
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
