/**
 * Writes of calls, on both call paths.
 *
 * @module
 */

import type { Json } from "./call_store.ts";
import {
  type MockApp,
  type MockContext,
  type MockParts,
  readBody,
  refuse,
  unprocessable,
} from "./exchange.ts";
import type { Rule } from "./validators.ts";
import { WRITE_RULES } from "./schema.ts";

/** Adds the call writes to the application. */
export function addCallRoutes(app: MockApp, parts: MockParts): void {
  const { store, behaviour } = parts;
  const callsOf = (item: Json) => store.project(item.project_id as string).calls;

  const needsCompleteMode = (items: readonly Json[]): boolean =>
    behaviour.callMode !== "old" && items.some((item) =>
      behaviour.callMode === "complete" ||
      store.project(item.project_id as string).callTable === "complete"
    );
  const enter = (items: readonly Json[], table: "v1" | "complete"): void => {
    for (const item of items) store.project(item.project_id as string).callTable ??= table;
  };

  type Part = { start?: Json; end?: Json };
  const takeV1 = ({ start, end }: Part): Json => {
    if (!start) {
      callsOf(end!).end(end!);
      return {};
    }
    giveIds(start);
    callsOf(start).start(start);
    return { id: start.id, trace_id: start.trace_id };
  };
  const v1 = (
    path: string,
    rule: Rule,
    read: (body: Json) => Part[],
    reply: (res: Json[]) => Json,
  ) =>
    app.post(path, (c) => {
      const request = readBody(c, rule);
      if (request instanceof Response) return request;
      const batch = read(request.body);
      c.get("entry").items = batch.length;
      const items = batch.map((part) => (part.start ?? part.end)!);
      if (needsCompleteMode(items)) return refuseOldPath(c);
      enter(items, "v1");
      return c.json(reply(batch.map(takeV1)));
    });
  v1("/call/start", WRITE_RULES.callStart, (body) => [body], ([res]) => res);
  v1("/call/end", WRITE_RULES.callEnd, (body) => [body], ([res]) => res);
  v1(
    "/call/upsert_batch",
    WRITE_RULES.callUpsertBatch,
    (body) => (body.batch as { req: Part }[]).map((item) => item.req),
    (res) => ({ res }),
  );

  const v2 = (
    path: string,
    rule: Rule,
    read: (body: Json) => Json[],
    take: (item: Json) => Json,
  ) =>
    app.post(`/v2/:entity/:project${path}`, (c) => {
      if (behaviour.callMode === "old") return c.json({ detail: "Not Found" }, 404);
      const request = readBody(c, rule);
      if (request instanceof Response) return request;
      const items = read(request.body);
      c.get("entry").items = items.length;
      const project = `${c.req.param("entity")}/${c.req.param("project")}`;
      const stranger = items.findIndex((item) => item.project_id !== project);
      if (stranger >= 0) {
        return unprocessable(c, [{
          type: "value_error",
          loc: ["body", stranger, "project_id"],
          msg: `Input should be the project of the path: ${project}`,
        }]);
      }
      enter(items, "complete");
      return c.json(items.map(take).at(-1) ?? {});
    });
  v2("/calls/complete", WRITE_RULES.callsComplete, (body) => body.batch as Json[], (call) => {
    callsOf(call).complete(call);
    return {};
  });
  v2("/call/start", WRITE_RULES.callStartV2, (body) => [body.start as Json], (start) => {
    giveIds(start);
    callsOf(start).startV2(start);
    return { id: start.id, trace_id: start.trace_id };
  });
  v2("/call/end", WRITE_RULES.callEndV2, (body) => [body.end as Json], (end) => {
    callsOf(end).endV2(end);
    return {};
  });

  app.post("/call/update", (c) => {
    const request = readBody(c, WRITE_RULES.callUpdate);
    if (request instanceof Response) return request;
    const { call_id, display_name } = request.body;
    callsOf(request.body).rename(call_id as string, (display_name ?? null) as string | null);
    return c.json({});
  });

  app.post("/calls/delete", (c) => {
    const request = readBody(c, WRITE_RULES.callsDelete);
    if (request instanceof Response) return request;
    const ids = request.body.call_ids as string[];
    c.get("entry").items = ids.length;
    return c.json({ num_deleted: callsOf(request.body).delete(ids, new Date().toISOString()) });
  });
}

function giveIds(start: Json): void {
  start.id ??= crypto.randomUUID();
  start.trace_id ??= crypto.randomUUID();
}

function refuseOldPath(c: MockContext): Response {
  return refuse(
    c,
    400,
    "This project takes its calls through calls/complete",
    "CallsCompleteModeRequired",
    "CALLS_COMPLETE_MODE_REQUIRED",
  );
}
