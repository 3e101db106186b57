/**
 * Requests about calls: good ones through both APIs, and bad ones of every kind.
 *
 * @module
 */

import type { Exchange, Story } from "./exchanges.ts";

type Json = Record<string, unknown>;

/** A call id that follows from a number. */
export function idOf(n: number): string {
  return `01a22968-3f42-7880-a4ff-${n.toString(16).padStart(12, "0")}`;
}

const STARTED = "2026-11-29T22:23:47.522663Z";

function start(project_id: string, n: number, more: Json = {}): Json {
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

function end(project_id: string, n: number, more: Json = {}): Json {
  return {
    project_id,
    id: idOf(n),
    ended_at: "2026-11-29T22:23:48.522663Z",
    output: "done",
    summary: {},
    ...more,
  };
}

function complete(project: string, n: number, more: Json = {}): Json {
  return { ...start(project, n), ...end(project, n), ...more };
}

const upsert = (name: string, ...items: Json[]): Exchange => ({
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
const v2 = (name: string, project: string, ...batch: Json[]): Exchange => ({
  name,
  path: `/v2/${project}/calls/complete`,
  body: { batch },
});
const startV2 = (name: string, project: string, start: Json): Exchange => ({
  name,
  path: `/v2/${project}/call/start`,
  body: { start },
});
const endV2 = (name: string, project: string, end: Json): Exchange => ({
  name,
  path: `/v2/${project}/call/end`,
  body: { end: { trace_id: end.id, started_at: STARTED, ...end } },
});
const query = (name: string, project_id: string, more: Partial<Exchange> = {}): Exchange => ({
  name,
  path: "/calls/stream_query",
  body: { project_id, sort_by: [{ field: "id", direction: "asc" }] },
  ...more,
});
const count = (name: string, project_id: string): Exchange => ({
  name,
  path: "/calls/query_stats",
  body: { project_id },
});
const rename = (name: string, project_id: string, n: number, display_name?: unknown): Exchange => ({
  name,
  path: "/call/update",
  body: { project_id, call_id: idOf(n), ...(display_name === undefined ? {} : { display_name }) },
});
const read = (name: string, project_id: string, n: number): Exchange => ({
  name,
  path: "/call/read",
  body: { project_id, id: idOf(n) },
});

/** Cases of valid calls. */
export const callStories: Readonly<Record<string, Story>> = {
  "v1 calls": (p) => [
    query("query of an empty project", p),
    upsert("start and end", start(p, 1), end(p, 1)),
    upsert("the same again", start(p, 1), end(p, 1)),
    upsert("unpaired end", end(p, 2)),
    count("count without the end's start", p),
    upsert("its start", start(p, 2)),
    query("query", p),
    { name: "single start", path: "/call/start", body: { start: start(p, 3) } },
    { name: "single end", path: "/call/end", body: { end: end(p, 3) } },
    {
      name: "a start without ids",
      path: "/call/start",
      body: { start: { ...start(p, 4), id: null, trace_id: null } },
    },
    upsert("nothing"),
    v2("complete in a v1 project", p, complete(p, 5)),
    v2("complete again", p, complete(p, 5)),
    endV2("v2 end without a start", p, end(p, 6)),
    startV2("v2 start", p, start(p, 7)),
    count("count", p),
    rename("rename", p, 1, "new name"),
    read("renamed", p, 1),
    rename("rename to nothing", p, 1, ""),
    read("without a name", p, 1),
    rename("rename before the start", p, 8, "early"),
    upsert("the start of the renamed", start(p, 8)),
    read("renamed early", p, 8),
    upsert("a start with a name", start(p, 9, { display_name: "given" })),
    rename("its rename", p, 9, "new name"),
    upsert("that start again", start(p, 9, { display_name: "given" })),
    read("name after a replay", p, 9),
    rename("rename to null", p, 1, null),
    rename("rename without a name", p, 1),
    {
      name: "delete",
      path: "/calls/delete",
      body: { project_id: p, call_ids: [idOf(1), idOf(77)] },
    },
    read("deleted", p, 1),
    upsert("a deleted call again", start(p, 1), end(p, 1)),
    count("count after deletion", p),
  ],
  "v2 calls": (p) => [
    endV2("end of nothing in an empty project", p, end(p, 1)),
    v2("complete", p, complete(p, 1), complete(p, 2, { trace_id: idOf(1), parent_id: idOf(1) })),
    v2("complete again", p, complete(p, 1)),
    count("count before a merge", p),
    query("query before a merge", p),
    query("query after a merge", p, { afterMerge: true }),
    v2("nothing", p),
    upsert("v1 start", start(p, 3)),
    upsert("v1 end", end(p, 1)),
    { name: "v1 single start", path: "/call/start", body: { start: start(p, 3) } },
    upsert("no v1 call at all"),
    endV2("end of nothing", p, end(p, 4)),
    startV2("start", p, start(p, 5)),
    startV2("start again", p, start(p, 5)),
    query("running twice", p),
    endV2("end", p, end(p, 5)),
    query("ended twice", p),
    query("ended once", p, { afterMerge: true }),
    endV2("end again", p, end(p, 5, { output: "again" })),
    endV2("end with another start time", p, end(p, 5, { started_at: "2020-01-01T00:00:00Z" })),
    v2("complete after start", p, complete(p, 5)),
    count("count of both", p),
    rename("rename", p, 1, "new name"),
    read("renamed", p, 1),
    rename("rename before the start", p, 6, "early"),
    v2("the renamed", p, complete(p, 6)),
    read("its name is lost", p, 6),
    v2("replay of the renamed", p, complete(p, 1)),
    { ...read("name after a replay", p, 1), afterMerge: true },
    v2("is_eval", p, complete(p, 7, { is_eval: true })),
    v2("display name null", p, complete(p, 8, { display_name: null })),
    { name: "delete", path: "/calls/delete", body: { project_id: p, call_ids: [idOf(1)] } },
    { ...count("count after deletion", p), afterMerge: true },
    { name: "delete nothing", path: "/calls/delete", body: { project_id: p, call_ids: [] } },
    read("a call that is not there", p, 99),
  ],
  "rename first": (p) => [
    rename("rename in an empty project", p, 1, "early"),
    v2("complete", p, complete(p, 1)),
    upsert("v1 start", start(p, 2)),
    read("renamed", p, 1),
  ],
};

const nested = (depth: number): unknown => JSON.parse("[".repeat(depth) + "]".repeat(depth));

/** Cases of calls that are invalid, or only look so. */
const ODD: Readonly<Record<string, Json>> = {
  "plain name of 128": { op_name: "x".repeat(128) },
  "plain name of 129": { op_name: "x".repeat(129) },
  "empty name": { op_name: "" },
  "name that is a ref": { op_name: "weave:///suite/x/op/f:abc" },
  "name that is a long ref": { op_name: `weave:///suite/x/op/${"x".repeat(300)}:abc` },
  "name that is a ref to an object": { op_name: "weave:///suite/x/object/f:abc" },
  "name that is a ref without digest": { op_name: "weave:///suite/x/op/f" },
  "name that is half a ref": { op_name: "weave:///nope" },
  "name missing": { op_name: undefined },
  "display name of 1024": { display_name: "x".repeat(1024) },
  "display name of 1025": { display_name: "x".repeat(1025) },
  "display name a number": { display_name: 3 },
  "negative step": { wb_run_step: -1 },
  "fraction of a step": { wb_run_step: 1.5 },
  "step as text": { wb_run_step: "3" },
  "negative last step": { wb_run_step_end: -1 },
  "short id": { id: "a" },
  "upper case id": { id: idOf(10).toUpperCase() },
  "span id": { id: "00f067aa0ba902b7" },
  "empty id": { id: "" },
  "short trace id": { trace_id: "t" },
  "trace id of OpenTelemetry": { trace_id: "4bf92f3577b34da6a3ce929d0e0e4736" },
  "short parent id": { parent_id: "q" },
  "empty parent id": { parent_id: "" },
  "half a ref": { inputs: { x: "weave:///nope" } },
  "half a ref, deep": { inputs: { x: [{ y: "weave:///a/b" }] } },
  "a ref that leads nowhere": { inputs: { x: "weave:///a/b/c" } },
  "a ref in a sentence": { inputs: { x: "see weave:///nope" } },
  "a ref in JSON text": { inputs: { x: '["weave:///nope"]' } },
  "a ref in JSON text in JSON text": { inputs: { x: '["[\\"weave:///nope\\"]"]' } },
  "a ref as a key": { inputs: { "weave:///nope": 1 } },
  "a ref in attributes": { attributes: { x: "weave:///nope" } },
  "a ref in the output": { output: "weave:///nope" },
  "a ref in the summary": { summary: { x: "weave:///nope" } },
  "a ref as exception": { exception: "weave:///nope" },
  "a ref as display name": { display_name: "weave:///nope" },
  "a ref to a missing project": { inputs: { x: "weave:///missing/x/object/o:d" } },
  "an internal ref": { output: "weave-trace-internal:///x/object/a:b" },
  "an artifact ref": { output: "wandb-artifact:///a/b/c:v" },
  "usage null": { summary: { usage: null } },
  "usage a number": { summary: { usage: 3 } },
  "usage empty": { summary: { usage: {} } },
  "usage of a model null": { summary: { usage: { m: null } } },
  "usage of a model a number": { summary: { usage: { m: 3 } } },
  "tokens as text": { summary: { usage: { m: { prompt_tokens: "3" } } } },
  "tokens as words": { summary: { usage: { m: { prompt_tokens: "x" } } } },
  "fraction of a token": { summary: { usage: { m: { prompt_tokens: 1.5 } } } },
  "tokens null": { summary: { usage: { m: { prompt_tokens: null } } } },
  "other usage": { summary: { usage: { m: { details: { cached: 1.5 } } } } },
  "status counts": { summary: { status_counts: { success: 1, descendant_error: 0 } } },
  "status counts of another state": { summary: { status_counts: { nope: 1 } } },
  "status counts null": { summary: { status_counts: null } },
  "fraction of a status": { summary: { status_counts: { success: 1.5 } } },
  "summary null": { summary: null },
  "summary missing": { summary: undefined },
  "summary a list": { summary: [] },
  "unknown field": { flavor: "red" },
  "wb_user_id": { wb_user_id: "me" },
  "inputs null": { inputs: null },
  "inputs a list": { inputs: [] },
  "attributes missing": { attributes: undefined },
  "time of a day": { started_at: "2025-01-02" },
  "time as a number": { started_at: 1735787045 },
  "time as text of a number": { started_at: "1735787045" },
  "time without a zone": { started_at: "2025-01-02T03:04:05" },
  "time with a space": { started_at: "2025-01-02 03:04:05Z" },
  "time of nanoseconds": { started_at: "2025-01-02T03:04:05.123456789Z" },
  "no time": { started_at: "yesterday" },
  "thread and turn": { thread_id: "t", turn_id: "u" },
  "span data": { otel_dump: { a: 1 } },
  "half a surrogate pair": { inputs: { x: "a\ud83d" } },
  "NUL": { inputs: { x: "a\u0000b" } },
  "depth of 150": { inputs: { x: nested(150) } },
  "depth of 250": { inputs: { x: nested(250) } },
};

const isOfEnd = (more: Json) =>
  Object.keys(more).some((key) => /output|summary|exception|_end/.test(key));

/** Bad calls, through both APIs. */
export const badCalls: Readonly<Record<string, Story>> = {
  "odd calls, v2": (p) =>
    Object.entries(ODD).map(([name, more], n) => v2(name, p, complete(p, n, more))),
  "odd calls, v1": (p) =>
    Object.entries(ODD).map(([name, more], n) =>
      upsert(name, isOfEnd(more) ? end(p, n, more) : start(p, n, more))
    ),
  "odd batches": (p) => [
    upsert("a good call", start(p, 1)),
    upsert("one bad of two", start(p, 2), start(p, 3, { op_name: "x".repeat(300) })),
    count("nothing of the bad batch", p),
    {
      name: "no mode",
      path: "/call/upsert_batch",
      body: { batch: [{ req: { start: start(p, 4) } }] },
    },
    {
      name: "mode of a start at an end",
      path: "/call/upsert_batch",
      body: { batch: [{ mode: "start", req: { end: end(p, 4) } }] },
    },
    {
      name: "another mode",
      path: "/call/upsert_batch",
      body: { batch: [{ mode: "middle", req: { start: start(p, 4) } }] },
    },
    {
      name: "v2 end without trace id",
      path: `/v2/${p}/call/end`,
      body: { end: { ...end(p, 5), started_at: STARTED } },
    },
    {
      name: "v2 end without start time",
      path: `/v2/${p}/call/end`,
      body: { end: { ...end(p, 5), trace_id: idOf(5) } },
    },
  ],
};
