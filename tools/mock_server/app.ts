/**
 * The mock trace server as a hono application: reads the body, logs the request, applies faults,
 * checks the API key, and calls the routes.
 *
 * @module
 */

import { Hono } from "hono";
import { addCallRoutes } from "./routes/call_routes.ts";
import { addControlRoutes } from "./routes/control_routes.ts";
import {
  bodyText,
  type MockApp,
  type MockContext,
  type MockDeps,
  type MockEnv,
  noSuchRoute,
  refuse,
} from "./exchange.ts";
import { type Fault, kindOf } from "./faults.ts";
import { addOtelRoutes } from "./routes/otel_routes.ts";
import { addReadRoutes } from "./routes/read_routes.ts";
import { addValueRoutes } from "./routes/value_routes.ts";

const OPEN_PATHS = new Set(["/health", "/server_info"]);

/** Creates the application. */
export function createMockApp(deps: MockDeps): MockApp {
  const { journal, faults } = deps;
  const app = new Hono<MockEnv>();

  app.use("*", async (c, next) => {
    c.set("bytes", new Uint8Array(await c.req.arrayBuffer()));
    if (c.req.path.startsWith("/__mock/")) return await next();
    const entry = journal.open({
      at: Date.now(),
      method: c.req.method,
      path: c.req.path,
      retryId: c.req.header("x-weave-retry-id") ?? null,
      authorization: c.req.header("authorization") ?? null,
      contentType: c.req.header("content-type") ?? null,
      userAgent: c.req.header("user-agent") ?? null,
      bytes: c.get("bytes").length,
      ...(deps.journalBodies ? { body: bodyText(c) } : {}),
    });
    c.set("entry", entry);
    const fault = faults.take(c.req.path, () => bodyText(c));
    const kind = fault && kindOf(fault);
    entry.fault = kind;
    let status: number | null = null;
    try {
      if (fault && (kind === "hang" || kind === "reset")) {
        deps.changed();
        await pause(kind === "hang" ? Infinity : fault.delayMs, c, deps.stopping);
        return c.env.wire.tear();
      }
      const replaced = fault && replacement(c, fault);
      if (replaced) c.res = replaced;
      else {
        const refused = refusal(c, deps);
        if (refused) c.res = refused;
        else await next();
      }
      // The listener does this once the response is sent, but this one may never be sent.
      if (kind) deps.changed();
      await pause(fault?.delayMs, c, deps.stopping);
      if (kind === "loseReply" || deps.stopping.aborted) return replace(c, c.env.wire.tear());
      status = c.res.status;
      if (kind === "truncate") {
        const body = new Uint8Array(await c.res.arrayBuffer());
        const bytes = Math.min(fault!.truncate!, body.length);
        replace(c, await c.env.wire.cut(c.res, body, bytes));
      }
    } finally {
      journal.close(entry, status);
      deps.answered(entry);
    }
  });

  addControlRoutes(app, deps);
  addCallRoutes(app, deps);
  addValueRoutes(app, deps);
  addOtelRoutes(app, deps);
  addReadRoutes(app, deps);
  app.notFound((c) =>
    methodsOf(app, c.req.path).length > 0
      ? c.json({ detail: "Method Not Allowed" }, 405)
      : noSuchRoute(c)
  );
  app.onError((error, c) => c.json({ reason: `Mistake of the mock server: ${error}` }, 500));
  return app;
}

/** The methods of a path; empty if the path does not exist. */
function methodsOf(app: MockApp, path: string): string[] {
  return ["GET", "POST", "DELETE"].filter((method) =>
    app.router.match(method, path)[0].some(([[, { path }]]) => path !== "/*" && path !== "*")
  );
}

/** Hono keeps the headers of a replaced response unless it is removed first. */
function replace(c: MockContext, answer: Response): void {
  c.res = undefined;
  c.res = answer;
}

/** Rejects requests before routing: wrong API key, or a body that is too large. */
function refusal(c: MockContext, { behavior }: MockDeps): Response | null {
  const { apiKey, bodyLimit } = behavior;
  if (c.get("bytes").length > bodyLimit) {
    return refuse(c, { status: 413, reason: "Request too large" });
  }
  if (apiKey === null || OPEN_PATHS.has(c.req.path)) return null;
  const given = c.req.header("authorization");
  if (given === undefined) return refuse(c, { status: 401, reason: "No API key given" });
  if (given === `Basic ${btoa(`api:${apiKey}`)}`) return null;
  return refuse(c, { status: 403, reason: "This API key is not known" });
}

/** The response of a fault; `null` if the request is to be processed. */
function replacement(c: MockContext, fault: Readonly<Fault>): Response | null {
  switch (kindOf(fault)) {
    case "status": {
      const { status = 500, retryAfter, body } = fault;
      const headers = new Headers();
      if (retryAfter !== undefined) {
        const value = typeof retryAfter === "number" ? `${retryAfter}` : retryAfter.toUTCString();
        headers.set("retry-after", value);
      }
      if (status === 204 || status === 304) return new Response(null, { status, headers });
      if (typeof body === "string") return new Response(body, { status, headers });
      headers.set("content-type", "application/json");
      const value = body ?? { reason: `Injected fault: ${status}`, error_type: "InjectedFault" };
      return new Response(JSON.stringify(value), { status, headers });
    }
    case "redirect":
      return new Response(null, {
        status: fault.status ?? 307,
        headers: { location: fault.redirect! },
      });
    case "garbage":
      return c.html("<!doctype html><title>Sign in to the network</title>");
    default:
      return null;
  }
}

/** Waits for `ms`, or until the client or the server disconnects. */
function pause(ms: number | undefined, c: MockContext, stopping: AbortSignal): Promise<void> {
  if (!ms) return Promise.resolve();
  const leaving = c.env.wire.left;
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      leaving.removeEventListener("abort", done);
      stopping.removeEventListener("abort", done);
      resolve();
    };
    const timer = ms === Infinity ? undefined : setTimeout(done, ms);
    leaving.addEventListener("abort", done);
    stopping.addEventListener("abort", done);
    if (leaving.aborted || stopping.aborted) done();
  });
}
