/**
 * Call writes of both calls APIs.
 *
 * @module
 */

import type { Json } from "../store/call_store.ts";
import {
  type MockApp,
  type MockContext,
  type MockDeps,
  noSuchRoute,
  readBody,
  refuse,
  unprocessable,
} from "../exchange.ts";
import { type Refusal, refusalOfCall, refusalOfUpdate } from "./refusals.ts";
import { WRITE_RULES } from "./schema.ts";
import { internalIdOf } from "../store/store.ts";
import type { Rule } from "./validators.ts";

/** Result of one item of a request. */
type Taken = { answer: Json } | { refusal: Refusal };

/** Adds the call writes to the application. */
export function addCallRoutes(app: MockApp, deps: MockDeps): void {
  const { store, behavior } = deps;
  const projectOf = (item: Json) => store.project(item.project_id as string);
  const inCompleteMode = (item: Json): boolean =>
    behavior.callMode === "complete" ||
    (behavior.callMode === "new" && projectOf(item).callTable === "complete");

  type Part = { start?: Json; end?: Json };
  const takeV1 = ({ start, end }: Part): Json => {
    projectOf((start ?? end)!).callTable ??= "v1";
    if (!start) {
      projectOf(end!).calls.end(end!);
      return {};
    }
    projectOf(start).calls.start(start);
    return { id: start.id, trace_id: start.trace_id };
  };
  const v1 = (
    path: string,
    rule: Rule,
    read: (body: Json) => Part[],
    reply: (res: Json[]) => Json,
  ) =>
    app.post(path, (c) => {
      const request = readBody(c, rule, behavior.missingProjects);
      if (request instanceof Response) return request;
      const batch = read(request.body);
      c.get("entry").items = batch.length;
      for (const part of batch) {
        const item = (part.start ?? part.end)!;
        if (part.start) giveIds(item);
        const refusal = refusalOfCall(item, behavior.anyIds);
        if (refusal) return refuse(c, refusal);
        if (inCompleteMode(item)) return refuseV1(c, item.project_id as string);
      }
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
    take: (item: Json) => Taken,
  ) =>
    app.post(`/v2/:entity/:project${path}`, (c) => {
      if (behavior.callMode === "old") return noSuchRoute(c);
      const request = readBody(c, rule, behavior.missingProjects);
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
          input: items[stranger].project_id,
        }]);
      }
      for (const item of items) {
        const refusal = refusalOfCall(item, behavior.anyIds);
        if (refusal) return refuse(c, refusal);
      }
      let answer: Json = {};
      for (const item of items) {
        const taken = take(item);
        if ("refusal" in taken) return refuse(c, taken.refusal);
        answer = taken.answer;
      }
      return c.json(answer);
    });
  v2("/calls/complete", WRITE_RULES.callsComplete, (body) => body.batch as Json[], (call) => {
    const project = projectOf(call);
    project.callTable ??= "complete";
    project.calls.complete(call, project.callTable);
    return { answer: {} };
  });
  v2("/call/start", WRITE_RULES.callStartV2, (body) => {
    giveIds(body.start as Json);
    return [body.start as Json];
  }, (start) => {
    const project = projectOf(start);
    project.callTable ??= "complete";
    if (project.callTable === "v1") project.calls.start(start);
    else project.calls.startV2(start);
    return { answer: { id: start.id, trace_id: start.trace_id } };
  });
  v2("/call/end", WRITE_RULES.callEndV2, (body) => [body.end as Json], (end) => {
    const project = projectOf(end);
    if (project.callTable === "v1") project.calls.end(end);
    else if (!project.calls.endV2(end)) {
      const reason = `Cannot end call ${end.id}: no start found in project ${
        internalIdOf(project.id)
      }`;
      return { refusal: { status: 404, reason } };
    }
    return { answer: {} };
  });

  app.post("/call/update", (c) => {
    const request = readBody(c, WRITE_RULES.callUpdate, behavior.missingProjects);
    if (request instanceof Response) return request;
    const refusal = refusalOfUpdate(request.body);
    if (refusal) return refuse(c, refusal);
    const { call_id, display_name } = request.body as { call_id: string; display_name: string };
    const project = projectOf(request.body);
    if (!inCompleteMode(request.body)) project.callTable ??= "v1";
    project.calls.rename(call_id, display_name, { early: project.callTable === "v1" });
    return c.json({});
  });

  app.post("/calls/delete", (c) => {
    const request = readBody(c, WRITE_RULES.callsDelete, behavior.missingProjects);
    if (request instanceof Response) return request;
    const ids = request.body.call_ids as string[];
    c.get("entry").items = ids.length;
    const deleted = projectOf(request.body).calls.delete(ids, new Date().toISOString());
    return c.json({ num_deleted: deleted });
  });
}

/** Adds missing IDs to a start; an empty string counts as missing. */
function giveIds(start: Json): void {
  start.id ||= crypto.randomUUID();
  start.trace_id ||= crypto.randomUUID();
}

function refuseV1(c: MockContext, project: string): Response {
  const reason = `The project '${internalIdOf(project)}' has been created in the more performant ` +
    "'complete' mode. Please upgrade your SDK to at least: 0.52.26 to write to this project.";
  return refuse(c, { status: 400, reason }, "CALLS_COMPLETE_MODE_REQUIRED");
}
