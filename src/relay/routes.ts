/**
 * Routes of a relay: writes are recorded, everything else is forwarded.
 *
 * @module
 */

import { Hono } from "hono";
import { type Handle, listen, type Listener, type ListenOptions } from "../http_server/listen.ts";
import { CONTENT_TYPES, formatFor } from "../metrics/exposition.ts";
import type { OtelView } from "../protocol/otlp/otel_request.ts";
import { WriteBatch } from "./log/write_batch.ts";
import { recordSpans, spansReply } from "./otlp/otlp_write.ts";
import { JsonObject, readJson } from "./request/json_source.ts";
import type { JsonWrite } from "./request/json_write.ts";
import { forward, projectIn, read } from "./reads.ts";
import { isMalformed, respondTo } from "./refusals.ts";
import { json, type RelayContext, type RelayEnv } from "./relay_context.ts";
import { readBody } from "./request/read_body.ts";
import type { Relay } from "./relay.ts";
import { JSON_WRITES, type RecordWrite } from "./writes/json_writes.ts";
import { recordFile } from "./writes/values.ts";

/** Paths of OTLP exporters, and the view for their spans. */
const OTLP_PATHS: Readonly<Record<string, OtelView>> = {
  "/v1/traces": "traces",
  "/otel/v1/traces": "traces",
  "/agents/otel/v1/traces": "agents",
};
/** Seconds of inactivity after which a connection is closed: more than the timeouts of load balancers. */
const IDLE_SECONDS = 120;
/** Timeout in ms for the headers of a request. */
const HEADERS_MS = 30_000;

/** Creates the request handler of a relay. */
export function relayHandler(relay: Relay): Handle {
  const app = relayRoutes(relay);
  return async (request, { left }) => await app.fetch(request, { left });
}

/** Opens the port of a relay; rejects with the host's error if it is not available. */
export function listenFor(
  relay: Relay,
  options: Pick<ListenOptions, "hostname" | "port" | "tls" | "maxConnections" | "engine">,
): Promise<Listener> {
  const limits = { idleSeconds: IDLE_SECONDS, headersMs: HEADERS_MS };
  return listen({ ...options, ...limits, handle: relayHandler(relay) });
}

function relayRoutes(relay: Relay): Hono<RelayEnv> {
  const app = new Hono<RelayEnv>({ getPath });
  app.get("/healthz", () => Response.json({ status: "ok" }));
  app.get("/readyz", () => {
    const { reason } = relay;
    return reason === null
      ? Response.json({ status: "ready" })
      : Response.json({ status: "not ready", reason }, { status: 503 });
  });
  app.get("/metrics", async (c) => {
    relay.authorize(c.req.raw);
    const format = formatFor(c.req.header("accept"));
    const headers = { "content-type": CONTENT_TYPES[format], "cache-control": "no-store" };
    return new Response((await relay.metrics()).text(format), { headers });
  });
  app.use("*", async (c, next) =>
    await relay.admit(c.req.raw, async () => {
      const { bytes, release } = await readBody(c.req.raw, relay.bodyLimits);
      try {
        c.set("body", bytes);
        await relay.process(next);
      } finally {
        release();
      }
    }));
  // The relay accepts writes even if the server is down.
  app.get("/health", () => Response.json({ status: "ok" }));
  for (const [path, record] of Object.entries(JSON_WRITES)) {
    app.post(path, (c) => writeJson(relay, c, record));
  }
  for (const path of ["/files/create", "/file/create"]) {
    app.post(path, (c) => writeFile(relay, c));
  }
  for (const [path, view] of Object.entries(OTLP_PATHS)) {
    app.post(path, (c) => writeSpans(relay, c, view));
  }
  app.all("*", (c) => read(relay, c));
  app.onError((error, c) => respondTo(relay, error, c.req.path in OTLP_PATHS ? c : undefined));
  return app;
}

/**
 * Returns the path. SDKs that use the relay as their W&B server prefix trace server paths with
 * `/traces`.
 */
function getPath(request: Request): string {
  const { pathname } = new URL(request.url);
  return pathname.replace(/\/{2,}/g, "/").replace(/^\/traces(?=\/)/, "");
}

async function writeJson(relay: Relay, c: RelayContext, record: RecordWrite): Promise<Response> {
  const batch = new WriteBatch(relay.logs);
  let reply: string | null;
  let write: JsonWrite;
  try {
    write = readWrite(relay, c);
    reply = await record(write, batch);
  } catch (error) {
    if (!isMalformed(error)) throw error;
    // Let the server report the error.
    return await forward(relay, c);
  }
  if (reply === null) {
    if (write.isRedacted) c.set("body", new TextEncoder().encode(write.text));
    return await read(relay, c);
  }
  await relay.commit(batch);
  return json(reply);
}

function readWrite({ redaction }: Relay, c: RelayContext): JsonWrite {
  const read = readJson(c.get("body"));
  const text = redaction.json(read.text);
  const isRedacted = text !== read.text;
  const body = isRedacted ? JsonObject.of(text) : new JsonObject(read.bytes);
  return { pathProject: projectIn(c.req.path), text, body, isRedacted };
}

async function writeFile(relay: Relay, c: RelayContext): Promise<Response> {
  const headers = { "content-type": c.req.header("content-type") ?? "" };
  let form: FormData;
  try {
    form = await new Response(c.get("body"), { headers }).formData();
  } catch {
    return await forward(relay, c);
  }
  const [projectId, file] = [form.get("project_id"), form.get("file")];
  if (typeof projectId !== "string" || file === null || typeof file === "string") {
    return await forward(relay, c);
  }
  const bytes = new Uint8Array(await file.arrayBuffer());
  const name = file.name || "blob";
  const content = relay.redaction.file(name, textIn(bytes) ?? bytes);
  const batch = new WriteBatch(relay.logs);
  let reply: string;
  try {
    reply = recordFile({ projectId, name, content }, batch);
  } catch (error) {
    if (!isMalformed(error)) throw error;
    return await forward(relay, c);
  }
  await relay.commit(batch);
  return json(reply);
}

async function writeSpans(relay: Relay, c: RelayContext, view: OtelView): Promise<Response> {
  const batch = new WriteBatch(relay.logs);
  const type = c.req.header("content-type") ?? null;
  recordSpans({
    view,
    type,
    body: c.get("body"),
    projectId: c.req.header("project_id") ?? relay.defaultProject,
    redaction: relay.redaction,
  }, batch);
  await relay.commit(batch);
  return spansReply(type);
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Decodes bytes that are UTF-8 text: a log of text is easier to read. */
function textIn(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
