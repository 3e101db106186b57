/**
 * Valid requests for every write.
 *
 * @module
 */

import { completeOf, endOf, PROJECT, startOf } from "./mock_requests.ts";

/** A JSON object. */
export type Json = Record<string, unknown>;

/** A valid request for each write, with the path to its fields and the required ones. */
export const WRITES: {
  path: string;
  body: () => Json;
  fields: (body: Json) => Json;
  required: string[];
}[] = [
  {
    path: "/call/start",
    body: () => ({ start: startOf("1") }),
    fields: (body) => body.start as Json,
    required: ["project_id", "op_name", "started_at", "attributes", "inputs"],
  },
  {
    path: "/call/end",
    body: () => ({ end: endOf("1") }),
    fields: (body) => body.end as Json,
    required: ["project_id", "id", "ended_at", "summary"],
  },
  {
    path: "/call/upsert_batch",
    body: () => ({ batch: [{ mode: "start", req: { start: startOf("1") } }] }),
    fields: (body) => (body.batch as { req: { start: Json } }[])[0].req.start,
    required: ["project_id", "op_name", "started_at", "attributes", "inputs"],
  },
  {
    path: `/v2/${PROJECT}/calls/complete`,
    body: () => ({ batch: [completeOf("1")] }),
    fields: (body) => (body.batch as Json[])[0],
    required: [
      "project_id",
      "id",
      "trace_id",
      "op_name",
      "started_at",
      "ended_at",
      "attributes",
      "inputs",
    ],
  },
  {
    path: `/v2/${PROJECT}/call/start`,
    body: () => ({ start: startOf("2") }),
    fields: (body) => body.start as Json,
    required: ["project_id", "op_name", "started_at", "attributes", "inputs"],
  },
  {
    path: `/v2/${PROJECT}/call/end`,
    body: () => ({
      end: endOf("2", { trace_id: "trace-2", started_at: startOf("2").started_at }),
    }),
    fields: (body) => body.end as Json,
    required: ["project_id", "id", "ended_at", "summary", "trace_id", "started_at"],
  },
  {
    path: "/call/update",
    body: () => ({ project_id: PROJECT, call_id: "1", display_name: "" }),
    fields: (body) => body,
    required: ["project_id", "call_id"],
  },
  {
    path: "/calls/delete",
    body: () => ({ project_id: PROJECT, call_ids: ["9"] }),
    fields: (body) => body,
    required: ["project_id", "call_ids"],
  },
  {
    path: "/obj/create",
    body: () => ({ obj: { project_id: PROJECT, object_id: "o", val: { a: 1 } } }),
    fields: (body) => body.obj as Json,
    required: ["project_id", "object_id", "val"],
  },
  {
    path: "/table/create",
    body: () => ({ table: { project_id: PROJECT, rows: [{ x: 1 }] } }),
    fields: (body) => body.table as Json,
    required: ["project_id", "rows"],
  },
  {
    path: "/table/update",
    body: () => ({
      project_id: PROJECT,
      base_digest: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      updates: [{ append: { row: { x: 1 } } }],
    }),
    fields: (body) => body,
    required: ["project_id", "base_digest", "updates"],
  },
  {
    path: "/table/create_from_digests",
    body: () => ({ project_id: PROJECT, row_digests: ["abc"] }),
    fields: (body) => body,
    required: ["project_id", "row_digests"],
  },
  {
    path: "/feedback/create",
    body: feedback,
    fields: (body) => body,
    required: ["project_id", "weave_ref", "feedback_type", "payload"],
  },
  {
    path: "/feedback/batch/create",
    body: () => ({ batch: [feedback()] }),
    fields: (body) => (body.batch as Json[])[0],
    required: ["project_id", "weave_ref", "feedback_type", "payload"],
  },
  {
    path: "/feedback/replace",
    body: () => ({ ...feedback(), feedback_id: "f1" }),
    fields: (body) => body,
    required: ["project_id", "weave_ref", "feedback_type", "payload", "feedback_id"],
  },
  {
    path: "/cost/create",
    body: () => ({
      project_id: PROJECT,
      costs: { "gpt-x": { prompt_token_cost: 0.1, completion_token_cost: 1 } },
    }),
    fields: (body) => body,
    required: ["project_id", "costs"],
  },
];

/** A feedback. */
export function feedback(): Json {
  return {
    project_id: PROJECT,
    weave_ref: `weave:///${PROJECT}/call/1`,
    feedback_type: "wandb.reaction.1",
    payload: { emoji: "👍" },
  };
}
