/**
 * Records calls: starts and ends from both calls APIs become start and end records.
 *
 * @module
 */

import { type JsonObject, jsonObject } from "../request/json_source.ts";
import type { WriteBatch } from "../log/write_batch.ts";

/** Fields of a complete call that belong to its end. */
const END_FIELDS: ReadonlySet<string> = new Set([
  "ended_at",
  "exception",
  "output",
  "summary",
  "wb_run_step_end",
]);

/** Fields that come first in a record, so that senders find them quickly. */
const START_KEY: ReadonlySet<string> = new Set(["project_id", "id", "trace_id"]);
const END_KEY: ReadonlySet<string> = new Set(["project_id", "id", "trace_id", "started_at"]);

/** Records a start; returns the response. */
export function recordStart(start: JsonObject, batch: WriteBatch): string {
  const log = batch.log(start.string("project_id"));
  const { ids } = log.project;
  const id = start.string("id") ?? ids.uuidv7();
  const traceId = start.string("trace_id") ?? ids.uuidv7();
  writeStart(start, batch, id, traceId, () => true);
  const startedAt = start.text("started_at");
  if (startedAt !== undefined) {
    batch.onAppended(() => log.calls.started(id, { traceId: JSON.stringify(traceId), startedAt }));
  }
  return `{"id":${JSON.stringify(id)},"trace_id":${JSON.stringify(traceId)}}`;
}

/**
 * Records an end; returns the response. The v2 calls API needs fields of its start: if that did not
 * arrive here, the sender looks them up.
 */
export function recordEnd(end: JsonObject, batch: WriteBatch): string {
  const log = batch.log(end.string("project_id"));
  const id = requiredId(end);
  const open = log.calls.open(id);
  // A request that is refused is made again.
  batch.onCommitted(() => log.calls.ended(id));
  writeEnd(
    end,
    batch,
    id,
    end.has("trace_id") ? end.text("trace_id") : open?.traceId,
    end.has("started_at") ? end.text("started_at") : open?.startedAt,
    // The TypeScript SDK repeats a name in ends, which the server ignores. It may be another
    // call's.
    (name) => name !== "display_name",
  );
  return "{}";
}

/** Records a complete call as start and end, which senders join again. */
export function recordComplete(call: JsonObject, batch: WriteBatch): void {
  const id = requiredId(call);
  const traceId = call.string("trace_id");
  if (traceId === undefined) throw new TypeError("No field: trace_id");
  writeStart(call, batch, id, traceId, (name) => !END_FIELDS.has(name));
  writeEnd(
    call,
    batch,
    id,
    call.text("trace_id"),
    call.text("started_at"),
    (name) => END_FIELDS.has(name),
  );
}

function writeStart(
  from: JsonObject,
  batch: WriteBatch,
  id: string,
  traceId: string,
  wanted: (name: string) => boolean,
): void {
  const projectId = from.string("project_id");
  const start = jsonObject(
    member("project_id", JSON.stringify(projectId)),
    member("id", JSON.stringify(id)),
    member("trace_id", JSON.stringify(traceId)),
    from.members((name) => !START_KEY.has(name) && wanted(name)),
  );
  batch.add(batch.log(projectId), "call_start", `{"start":${start}}`);
}

function writeEnd(
  from: JsonObject,
  batch: WriteBatch,
  id: string,
  traceId: string | undefined,
  startedAt: string | undefined,
  wanted: (name: string) => boolean,
): void {
  const projectId = from.string("project_id");
  const end = jsonObject(
    member("project_id", JSON.stringify(projectId)),
    member("id", JSON.stringify(id)),
    member("trace_id", traceId),
    member("started_at", startedAt),
    from.members((name) => !END_KEY.has(name) && wanted(name)),
  );
  batch.add(batch.log(projectId), "call_end", `{"end":${end}}`);
}

function requiredId(call: JsonObject): string {
  const id = call.string("id");
  if (id === undefined) throw new TypeError("No field: id");
  return id;
}

function member(name: string, text: string | undefined): string {
  return text === undefined ? "" : `"${name}":${text}`;
}
