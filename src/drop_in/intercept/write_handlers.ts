/**
 * Converts each write of the official SDK to records, and builds the response that the SDK expects.
 *
 * @module
 */

import { tableDigest } from "../../protocol/digest/digest.ts";
import { isProvisional, provisionalDigest } from "../../protocol/digest/provisional.ts";
import type { RecordType } from "../../protocol/record_types.ts";
import type { Json } from "./json_text.ts";
import type { ProjectLog } from "../logs/project_log.ts";

/** A write with a JSON body. */
export interface Write {
  readonly body: Json;
  /** The body as written by the SDK. */
  readonly text: string;
  /** Returns the log of a project; throws if it cannot be opened. */
  readonly log: (projectId: unknown) => ProjectLog;
}

/** Records a write and returns the server's response; `null` if only the server can respond. */
export type Answer = (write: Write) => Json | null | Promise<Json | null>;

/** Fields of a complete call that belong only to its end. */
const END_FIELDS: ReadonlySet<string> = new Set([
  "ended_at",
  "exception",
  "output",
  "summary",
  "wb_run_step_end",
]);

const callStart: Answer = ({ body, log }) => startCall(body.start as Json, log);
const callEnd: Answer = ({ body, log }) => endCall(body.end as Json, log);

/** Handlers of all writes with a JSON body, by path. */
export const WRITE_HANDLERS: Readonly<Record<string, Answer>> = {
  "/call/start": callStart,
  "/call/end": callEnd,
  "/v2/call/start": callStart,
  "/v2/call/end": callEnd,
  "/call/upsert_batch": ({ body, log }) => ({
    res: (body.batch as { mode: string; req: Json }[]).map(({ mode, req }) =>
      mode === "start" ? startCall(req.start as Json, log) : endCall(req.end as Json, log)
    ),
  }),
  "/v2/calls/complete": ({ body, log }) => {
    for (const call of body.batch as Json[]) {
      startCall(pick(call, (field) => !END_FIELDS.has(field)), log);
      endCall(
        pick(call, (field) => END_FIELDS.has(field) || CALL_KEY.includes(field)),
        log,
      );
    }
    return {};
  },
  "/call/update": (write) => {
    append("call_update", write, write.body.project_id);
    return {};
  },
  "/calls/delete": (write) => {
    append("calls_delete", write, write.body.project_id);
    return { num_deleted: (write.body.call_ids as unknown[]).length };
  },
  "/obj/create": async (write) => {
    const obj = write.body.obj as Json;
    const log = write.log(obj.project_id);
    await log.forRefsIn(write.text);
    // Values of classes that the server knows are rewritten before they are digested.
    const digest = obj.builtin_object_class == null ? log.digestOf(obj.val) : undefined;
    if (digest !== undefined) {
      append("obj_create", write, obj.project_id);
      return { digest, object_id: obj.object_id };
    }
    const expected_digest = provisionalDigest(log.ids.uuidHex());
    log.append("obj_create", JSON.stringify({ obj: { ...obj, expected_digest } }));
    return { digest: expected_digest, object_id: obj.object_id };
  },
  "/table/create": async ({ body, text, log }) => {
    const { project_id, rows } = body.table as { project_id: string; rows: Json[] };
    const project = log(project_id);
    await project.forRefsIn(text);
    const { digest, rowDigests } = project.publisher.createTable(rows);
    project.tables.add(digest, rowDigests, rows);
    return { digest, row_digests: rowDigests };
  },
  "/table/update": (write) => {
    const { project_id, base_digest, updates } = write.body;
    const log = write.log(project_id);
    const base = log.tables.rowDigests(base_digest as string);
    // The new table depends on rows that only the server knows.
    if (!base || isProvisional(base_digest as string)) return null;
    const digests = [...base];
    const added: string[] = [];
    for (const { append: last, insert, pop } of updates as Record<string, Json>[]) {
      if (pop) {
        added.push(...digests.splice(pop.index as number, 1));
        continue;
      }
      const digest = log.digestOf((last ?? insert).row);
      if (digest === undefined) return null;
      digests.splice(insert ? insert.index as number : digests.length, 0, digest);
      added.push(digest);
    }
    append("table_update", write, project_id);
    return { digest: tableDigest(digests), updated_row_digests: added };
  },
  "/table/create_from_digests": (write) => {
    append("table_create_from_digests", write, write.body.project_id);
    return { digest: tableDigest(write.body.row_digests as string[]) };
  },
  "/feedback/create": ({ body, log }) => addFeedback("feedback_create", body, log),
  "/feedback/replace": ({ body, log }) => addFeedback("feedback_replace", body, log),
  "/feedback/batch/create": ({ body, log }) => ({
    res: (body.batch as Json[]).map((item) => addFeedback("feedback_create", item, log)),
  }),
  // The server creates these IDs; no caller needs them.
  "/cost/create": (write) => {
    append("cost_create", write, write.body.project_id);
    return { ids: [] };
  },
};

const CALL_KEY = ["project_id", "id", "trace_id", "started_at"];

function startCall(start: Json, log: Write["log"]): Json {
  const project = log(start.project_id);
  const { project_id, id, trace_id, ...rest } = start;
  const ids = { id: id ?? project.ids.uuidv7(), trace_id: trace_id ?? project.ids.uuidv7() };
  project.calls.start({ project_id, ...ids, ...rest });
  return ids;
}

function endCall(end: Json, log: Write["log"]): Json {
  log(end.project_id).calls.end(end);
  return {};
}

/** Adds an ID, without which feedback would be stored twice if it is sent twice. */
function addFeedback(type: RecordType, given: Json, log: Write["log"]): Json {
  const { ids, append } = log(given.project_id);
  const feedback = { ...given, id: given.id ?? ids.uuidv7() };
  append(type, JSON.stringify(feedback));
  const { id, payload } = feedback as Json;
  return { id, created_at: ids.timestamp(), wb_user_id: "", payload };
}

/** Appends a request as written by the SDK. */
function append(type: RecordType, { body, text, log }: Write, projectId: unknown): void {
  const oneLine = /[\r\n]/.test(text) ? JSON.stringify(body) : text;
  log(projectId).append(type, oneLine);
}

function pick(from: Json, wanted: (field: string) => boolean): Json {
  return Object.fromEntries(Object.entries(from).filter(([field]) => wanted(field)));
}
