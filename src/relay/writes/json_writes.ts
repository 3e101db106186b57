/**
 * Handlers for writes with a JSON body: they record the write, and return the server's response.
 *
 * @module
 */

import type { RecordType } from "../../protocol/record_types.ts";
import type { WriteBatch } from "../log/write_batch.ts";
import { type JsonObject, jsonObject } from "../request/json_source.ts";
import type { JsonWrite } from "../request/json_write.ts";
import { recordComplete, recordEnd, recordStart } from "./calls.ts";
import { recordObject, recordTable, recordTableOfDigests, recordTableUpdate } from "./values.ts";

/**
 * Adds the records of a write to a batch, and returns the JSON text of the response; `null` if only
 * the server can respond. Throws a `TypeError` if the body does not match such a write.
 */
export type RecordWrite = (
  write: JsonWrite,
  batch: WriteBatch,
) => string | null | Promise<string | null>;

const start: RecordWrite = ({ body }, batch) => recordStart(body.object("start"), batch);
const end: RecordWrite = ({ body }, batch) => recordEnd(body.object("end"), batch);

/** All writes with a JSON body, by path in hono's syntax. */
export const JSON_WRITES: Readonly<Record<string, RecordWrite>> = {
  "/call/start": start,
  "/call/end": end,
  "/v2/:entity/:project/call/start": (write, batch) => {
    checkProjects(write, [write.body.object("start")]);
    return start(write, batch);
  },
  "/v2/:entity/:project/call/end": (write, batch) => {
    checkProjects(write, [write.body.object("end")]);
    return end(write, batch);
  },
  "/call/upsert_batch": ({ body }, batch) => {
    const replies = body.objects("batch").map((item) => {
      const request = item.object("req");
      return item.string("mode") === "start"
        ? recordStart(request.object("start"), batch)
        : recordEnd(request.object("end"), batch);
    });
    return `{"res":[${replies.join(",")}]}`;
  },
  "/v2/:entity/:project/calls/complete": (write, batch) => {
    const calls = write.body.objects("batch");
    checkProjects(write, calls);
    for (const call of calls) recordComplete(call, batch);
    return "{}";
  },
  "/call/update": (write, batch) => asGiven("call_update", write, batch, "{}"),
  "/calls/delete": (write, batch) => {
    const count = write.body.texts("call_ids").length;
    return asGiven("calls_delete", write, batch, `{"num_deleted":${count}}`);
  },
  "/obj/create": recordObject,
  "/table/create": recordTable,
  "/table/update": recordTableUpdate,
  "/table/create_from_digests": recordTableOfDigests,
  "/feedback/create": ({ body }, batch) => recordFeedback("feedback_create", body, batch),
  "/feedback/replace": ({ body }, batch) => recordFeedback("feedback_replace", body, batch),
  "/feedback/batch/create": ({ body }, batch) => {
    const replies = body.objects("batch").map((item) =>
      recordFeedback("feedback_create", item, batch)
    );
    return `{"res":[${replies.join(",")}]}`;
  },
  // Only the server knows the IDs of prices.
  "/cost/create": (write, batch) => asGiven("cost_create", write, batch, '{"ids":[]}'),
};

/** @throws {TypeError} If a call is of another project than the path. */
function checkProjects({ pathProject }: JsonWrite, calls: readonly JsonObject[]): void {
  const other = calls.find((call) => call.string("project_id") !== pathProject);
  if (other !== undefined) throw new TypeError("Another project than that of the path");
}

function asGiven(
  type: RecordType,
  { body, text }: JsonWrite,
  batch: WriteBatch,
  reply: string,
): string {
  batch.add(batch.log(body.string("project_id")), type, text);
  return reply;
}

/** Adds an ID, without which feedback would be duplicated when it is sent twice. */
function recordFeedback(type: RecordType, feedback: JsonObject, batch: WriteBatch): string {
  const log = batch.log(feedback.string("project_id"));
  const { ids } = log.project;
  const id = JSON.stringify(feedback.string("id") ?? ids.uuidv7());
  batch.add(log, type, jsonObject(`"id":${id}`, feedback.members((name) => name !== "id")));
  const payload = feedback.text("payload") ?? "null";
  return `{"id":${id},"created_at":"${ids.timestamp()}","wb_user_id":"","payload":${payload}}`;
}
