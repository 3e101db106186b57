/**
 * `/__mock/…`: controls of the mock server for other processes. They need no API key, are
 * not affected by faults, and are not logged.
 *
 * @module
 */

import type { Json } from "../store/call_store.ts";
import { bodyText, type MockApp, type MockDeps, readBody, unprocessable } from "../exchange.ts";
import type { Fault } from "../faults.ts";
import type { MockBehavior } from "../options.ts";
import {
  anything,
  bool,
  integer,
  list,
  nullable,
  number,
  oneOf,
  type Rule,
  shape,
  text,
} from "./validators.ts";

const FAULT: Rule = shape({}, {
  path: text,
  pathPattern: text,
  bodyHas: text,
  times: integer,
  skip: integer,
  status: integer,
  retryAfter: anything,
  body: anything,
  delayMs: number,
  hang: bool,
  reset: bool,
  loseReply: bool,
  truncate: integer,
  garbage: bool,
  redirect: text,
});

const BEHAVIOR: Rule = shape({}, {
  callMode: oneOf("old", "new", "complete"),
  filePaths: oneOf("new", "old", "both"),
  feedbackBatch: bool,
  otelReply: oneOf("json", "protobuf"),
  bodyLimit: integer,
  missingProjects: list(text),
  anyIds: bool,
  apiKey: nullable(text),
  defaultEntity: text,
});

/** Response of `GET /__mock/state`. */
export interface MockState {
  /** Counters of all writes. */
  counts: MockDeps["store"]["counts"];
  /** Number of stored calls, and of those with a start and an end. */
  calls: number;
  finished: number;
  projects: {
    id: string;
    internalId: string;
    callTable: "v1" | "complete" | null;
    calls: number;
    finished: number;
    objects: number;
    tables: number;
    files: number;
    feedback: number;
    costs: number;
    spans: number;
  }[];
  requests: { total: number; inFlight: number; peakInFlight: number };
  faults: (Json & { hits: number })[];
  behavior: MockBehavior;
}

/** Adds the controls to the application. */
export function addControlRoutes(app: MockApp, deps: MockDeps): void {
  const { store, journal, faults, behavior } = deps;

  app.get("/__mock/state", (c) => c.json(stateOf(deps)));
  app.get("/__mock/calls", (c) => c.json(store.calls(c.req.query("project"))));
  app.get("/__mock/spans", (c) => c.json(store.spans(c.req.query("project"))));
  app.get("/__mock/journal", (c) => c.json(journal.entries));
  app.get("/__mock/faults", (c) => c.json(stateOf(deps).faults));

  app.post("/__mock/faults", (c) => {
    const request = readBody(c, FAULT);
    if (request instanceof Response) return request;
    const { pathPattern, retryAfter, ...fault } = request.body;
    for (const name in fault) if (fault[name] === null && name !== "body") delete fault[name];
    const added: Fault = fault;
    if (typeof pathPattern === "string") added.path = new RegExp(pathPattern);
    if (typeof retryAfter === "number") added.retryAfter = retryAfter;
    if (typeof retryAfter === "string") added.retryAfter = new Date(retryAfter);
    faults.add(added);
    return c.json({ active: faults.active.length });
  });
  app.delete("/__mock/faults", (c) => {
    faults.clear();
    return c.json({});
  });

  app.post("/__mock/behavior", (c) => {
    const request = readBody(c, BEHAVIOR);
    if (request instanceof Response) return request;
    Object.assign(behavior, request.body);
    return c.json(behavior);
  });

  const act = (path: string, action: () => void) =>
    app.post(path, (c) => {
      if (bodyText(c).trim() !== "") {
        return unprocessable(c, [{
          type: "value_error",
          loc: ["body"],
          msg: "Send no body",
          input: null,
        }]);
      }
      action();
      return c.json({});
    });
  act("/__mock/reset", () => {
    store.clear();
    journal.clear();
    faults.clear();
  });
  act("/__mock/merge", () => store.merge());
}

/** State of the server as JSON. */
export function stateOf({ store, journal, faults, behavior }: MockDeps): MockState {
  return {
    counts: store.counts,
    calls: store.callCount(),
    finished: store.finishedCount(),
    projects: store.projects.map((project) => ({
      id: project.id,
      internalId: project.internalId,
      callTable: project.callTable,
      calls: project.calls.size,
      finished: project.calls.finished,
      objects: project.objects.size,
      tables: project.tables.size,
      files: project.files.size,
      feedback: project.feedback.size,
      costs: project.costs.length,
      spans: project.spans.size,
    })),
    requests: {
      total: journal.total,
      inFlight: journal.inFlight,
      peakInFlight: journal.peakInFlight,
    },
    faults: faults.active.map(({ fault, hits }) => ({
      ...fault,
      ...(fault.path instanceof RegExp ? { path: fault.path.source } : {}),
      hits,
    })),
    behavior,
  };
}
