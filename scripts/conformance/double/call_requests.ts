/**
 * Requests about calls, through both APIs.
 *
 * @module
 */

import type { Exchange } from "./exchanges.ts";

/** A JSON object. */
export type Json = Record<string, unknown>;

/** A call ID derived from a number. */
export function idOf(n: number): string {
  return `01a22968-3f42-7880-a4ff-${n.toString(16).padStart(12, "0")}`;
}

export const STARTED = "2026-11-29T22:23:47.522663Z";

/** The start of a call. */
export function start(project_id: string, n: number, more: Json = {}): Json {
  const id = idOf(n);
  return {
    project_id,
    id,
    trace_id: id,
    op_name: "f",
    started_at: STARTED,
    attributes: {},
    inputs: { n },
    ...more,
  };
}

/** The end of a call. */
export function end(project_id: string, n: number, more: Json = {}): Json {
  return {
    project_id,
    id: idOf(n),
    ended_at: "2026-11-29T22:23:48.522663Z",
    output: "done",
    summary: {},
    ...more,
  };
}

/** A complete call. */
export function complete(project: string, n: number, more: Json = {}): Json {
  return { ...start(project, n), ...end(project, n), ...more };
}

/** A batch of the v1 API. */
export const upsert = (name: string, ...items: Json[]): Exchange => ({
  name,
  path: "/call/upsert_batch",
  body: {
    batch: items.map((item) =>
      "op_name" in item
        ? { mode: "start", req: { start: item } }
        : { mode: "end", req: { end: item } }
    ),
  },
});
/** A batch of complete calls. */
export const v2 = (name: string, project: string, ...batch: Json[]): Exchange => ({
  name,
  path: `/v2/${project}/calls/complete`,
  body: { batch },
});
/** A start of the v2 API. */
export const startV2 = (name: string, project: string, start: Json): Exchange => ({
  name,
  path: `/v2/${project}/call/start`,
  body: { start },
});
/** An end of the v2 API. */
export const endV2 = (name: string, project: string, end: Json): Exchange => ({
  name,
  path: `/v2/${project}/call/end`,
  body: { end: { trace_id: end.id, started_at: STARTED, ...end } },
});
/** A query of all calls. */
export const query = (
  name: string,
  project_id: string,
  more: Partial<Exchange> = {},
): Exchange => ({
  name,
  path: "/calls/stream_query",
  body: { project_id, sort_by: [{ field: "id", direction: "asc" }] },
  ...more,
});
/** A count of all calls. */
export const count = (name: string, project_id: string): Exchange => ({
  name,
  path: "/calls/query_stats",
  body: { project_id },
});
/** A change of the display name. */
export const rename = (
  name: string,
  project_id: string,
  n: number,
  display_name?: unknown,
): Exchange => ({
  name,
  path: "/call/update",
  body: { project_id, call_id: idOf(n), ...(display_name === undefined ? {} : { display_name }) },
});
/** A read of one call. */
export const read = (name: string, project_id: string, n: number): Exchange => ({
  name,
  path: "/call/read",
  body: { project_id, id: idOf(n) },
});
