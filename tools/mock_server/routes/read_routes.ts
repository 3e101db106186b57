/**
 * Reads.
 *
 * @module
 */

import type { CallRecord, Json } from "../store/call_store.ts";
import {
  type MockApp,
  type MockContext,
  type MockDeps,
  noSuchRoute,
  readBody,
  refuse,
} from "../exchange.ts";
import type { Rule } from "./validators.ts";
import { READ_RULES } from "./schema.ts";
import { internalIdOf } from "../store/store.ts";
import { callView, feedbackView, objectView } from "./views.ts";

interface CallsFilter {
  op_names?: string[] | null;
  parent_ids?: string[] | null;
  trace_ids?: string[] | null;
  call_ids?: string[] | null;
  thread_ids?: string[] | null;
  trace_roots_only?: boolean | null;
}

/** Adds the reads to the application. */
export function addReadRoutes(app: MockApp, deps: MockDeps): void {
  const { store, behavior } = deps;
  const post = (
    path: string,
    rule: Rule,
    read: (c: MockContext, body: Json, projectId: string) => Response,
  ) =>
    app.post(path, (c) => {
      const request = readBody(c, rule, behavior.missingProjects);
      if (request instanceof Response) return request;
      return read(c, request.body, request.body.project_id as string);
    });

  const viewOf = (projectId: string) => {
    const table = store.project(projectId).callTable ?? "complete";
    return (call: CallRecord) => callView(call, table);
  };
  app.get("/health", (c) => c.json({ status: "ok" }));
  app.get(
    "/server_info",
    (c) => c.json({ min_required_weave_python_version: "0.50.0", trace_server_version: "mock" }),
  );
  app.post("/graphql", (c) =>
    c.json({
      data: {
        viewer: { username: "mock-user", defaultEntity: { name: behavior.defaultEntity } },
      },
    }));

  post("/calls/stream_query", READ_RULES.callsQuery, (_c, body, projectId) => {
    const calls = filtered(
      store.project(projectId).calls.listRows(),
      (body.filter ?? {}) as CallsFilter,
    );
    return jsonLines(mapped(page(sorted(calls, body.sort_by), body), viewOf(projectId)));
  });
  post("/calls/query_stats", READ_RULES.callsQuery, (c, body, projectId) => {
    const calls = filtered(
      store.project(projectId).calls.listRows(),
      (body.filter ?? {}) as CallsFilter,
    );
    const count = [...calls].length;
    return c.json({ count, has_more: false, total_storage_size_bytes: null });
  });
  post(
    "/call/read",
    READ_RULES.callRead,
    (c, body, projectId) => {
      const call = store.project(projectId).calls.get(body.id as string);
      return c.json({ call: call && viewOf(projectId)(call) });
    },
  );

  post("/obj/read", READ_RULES.objRead, (c, body, projectId) => {
    const obj = store.object(projectId, body.object_id as string, body.digest as string);
    return obj
      ? c.json({ obj: objectView(obj) })
      : refuse(c, { status: 404, reason: `Obj ${body.object_id}:${body.digest} not found` });
  });
  post("/objs/query", READ_RULES.objsQuery, (c, body, projectId) => {
    const { object_ids, latest_only, is_op } = (body.filter ?? {}) as {
      object_ids?: string[] | null;
      latest_only?: boolean | null;
      is_op?: boolean | null;
    };
    const versions = [...store.project(projectId).objects.values()].flat().filter((obj) =>
      (!object_ids || object_ids.includes(obj.object_id)) &&
      (!latest_only || obj.is_latest === 1) &&
      (is_op == null || (obj.kind === "op") === is_op)
    );
    const objs = [...page(versions, body)].map(objectView);
    return c.json({ objs: body.metadata_only ? objs.map((obj) => ({ ...obj, val: {} })) : objs });
  });

  post("/table/query", READ_RULES.tableQuery, (c, body, projectId) => {
    const rows = store.table(projectId, body.digest as string);
    const numbered = (rows ?? []).map((row, original_index) => ({ ...row, original_index }));
    return c.json({ rows: [...page(numbered, body)] });
  });

  for (const [path, other] of [["/files/content", "old"], ["/file/content", "new"]] as const) {
    post(path, READ_RULES.fileContent, (c, body, projectId) => {
      if (behavior.filePaths === other) return noSuchRoute(c);
      const file = store.file(projectId, body.digest as string);
      if (!file) {
        return refuse(c, { status: 404, reason: `File with digest ${body.digest} not found` });
      }
      return c.body((file.content ?? new Uint8Array()) as Uint8Array<ArrayBuffer>, 200, {
        "content-type": "application/octet-stream",
      });
    });
  }

  post(
    "/feedback/query",
    READ_RULES.feedbackQuery,
    (c, body, projectId) => {
      const rows = store.feedbackRows(projectId);
      const fields = (body.fields ?? null) as string[] | null;
      const result = [...page(rows, body)].map((feedback) => feedbackView(feedback, fields));
      return c.json({ result, total_count: rows.length });
    },
  );

  post(
    "/service/projects_info",
    READ_RULES.projectsInfo,
    (c, body) =>
      c.json((body.project_ids as string[]).map((id) => ({
        external_project_id: id,
        internal_project_id: internalIdOf(id),
      }))),
  );
}

function* filtered(calls: Iterable<CallRecord>, filter: CallsFilter): Generator<CallRecord> {
  const among = (wanted: string[] | null | undefined) => {
    const set = wanted ? new Set(wanted) : null;
    return (value: string | null) => set === null || (value !== null && set.has(value));
  };
  const [op, parent, trace, id, thread] = [
    filter.op_names,
    filter.parent_ids,
    filter.trace_ids,
    filter.call_ids,
    filter.thread_ids,
  ].map(among);
  for (const call of calls) {
    if (
      op(call.op_name) && parent(call.parent_id) && trace(call.trace_id) && id(call.id) &&
      thread(call.thread_id) && !(filter.trace_roots_only && call.parent_id !== null)
    ) yield call;
  }
}

function sorted(calls: Iterable<CallRecord>, sortBy: unknown): Iterable<CallRecord> {
  const [first] = (sortBy ?? []) as { field: keyof CallRecord; direction: string }[];
  if (!first) return calls;
  const sign = first.direction === "desc" ? -1 : 1;
  const key = (call: CallRecord) => String(call[first.field] ?? "");
  return [...calls].sort((a, b) => key(a) < key(b) ? -sign : key(a) > key(b) ? sign : 0);
}

function* mapped<T, R>(items: Iterable<T>, map: (item: T) => R): Generator<R> {
  for (const item of items) yield map(item);
}

function* page<T>(items: Iterable<T>, body: Json): Generator<T> {
  const from = (body.offset as number | null | undefined) ?? 0;
  const to = from + ((body.limit as number | null | undefined) ?? Infinity);
  let index = 0;
  for (const item of items) {
    if (index >= to) return;
    if (index++ >= from) yield item;
  }
}

function jsonLines(items: Iterator<unknown>): Response {
  const encoder = new TextEncoder();
  const lines = new ReadableStream<Uint8Array>({
    pull(controller) {
      let text = "";
      for (let count = 0; count < 200; count++) {
        const { done, value } = items.next();
        if (!done) {
          text += `${JSON.stringify(value)}\n`;
          continue;
        }
        if (text) controller.enqueue(encoder.encode(text));
        return controller.close();
      }
      controller.enqueue(encoder.encode(text));
    },
  });
  return new Response(lines, { headers: { "content-type": "application/jsonl" } });
}
