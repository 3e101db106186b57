/**
 * Interception of requests: what the official SDK passes to `fetch` is recorded and answered
 * immediately.
 *
 * @module
 */

import { textOf } from "../../client/redaction/redactor.ts";
import { messageOf } from "../../errors.ts";
import { wellFormedJson } from "../../protocol/json/well_formed.ts";
import { shared } from "../../runtime/process/shared_state.ts";
import { entityAnswer, isEntityQuestion } from "./entity_query.ts";
import type { Json } from "./json_text.ts";
import type { SdkLogs } from "../logs/sdk_logs.ts";
import {
  apiKeyIn,
  bodyForm,
  bodyText,
  type Fetch,
  readRequest,
  type SdkRequest,
  sdkRequest,
} from "./sdk_request.ts";
import { type Write, WRITE_HANDLERS } from "./write_handlers.ts";
import { showsWrites, type WriteTarget, writeTarget } from "./write_paths.ts";

/** Options for {@linkcode intercepting}. */
export interface InterceptOptions {
  /** Whether every request is the SDK's, because this is the `fetch` of its client. */
  readonly trusted: boolean;
  /** Called for each of the SDK's requests, with whether it is a write to a trace server. */
  readonly onRequest?: (isWrite: boolean) => void;
}

/** Requests that were already intercepted and forwarded, and now pass the runtime's `fetch`. */
const passed = shared("passed-requests", () => new WeakSet<object>());

/**
 * Returns a `fetch` that records the SDK's writes in the log and responds like the server;
 * everything else goes to `next` unchanged.
 */
export function intercepting(
  logs: SdkLogs,
  next: Fetch,
  options: InterceptOptions,
): Fetch {
  return (input, init) => {
    const request = find(input, init, options.trusted);
    return request === null
      ? next(input, init)
      : answer(logs, request, options, (body?: BodyInit) => {
        const final = body === undefined ? init : { ...init, body };
        if (final) passed.add(final);
        return next(input, final);
      });
  };
}

function find(
  input: RequestInfo | URL,
  init: RequestInit | undefined,
  trusted: boolean,
): SdkRequest | null {
  if (init && passed.has(init)) return null;
  try {
    return trusted ? readRequest(input, init) : sdkRequest(input, init);
  } catch {
    // Not a readable request: `fetch` itself will report that.
    return null;
  }
}

async function answer(
  logs: SdkLogs,
  request: SdkRequest,
  { onRequest }: InterceptOptions,
  send: (body?: BodyInit) => Promise<Response>,
): Promise<Response> {
  let reply: Json | null = null;
  let body: unknown = request.init?.body;
  try {
    const target = request.method === "POST" ? writeTarget(request.url) : null;
    onRequest?.(target !== null);
    if (target) {
      const write = await readWrite(logs, request, target);
      body = write.body;
      reply = await write.record();
    } else reply = await lookUp(logs, request);
  } catch (error) {
    // The server will report what is wrong with the request; the log only why it is not recorded.
    const why = messageOf(error);
    logs.logger.once(
      "warn",
      "not-recorded",
      `Cannot record a request of weave: ${why}`,
      `not-recorded ${why}`,
    );
  }
  if (reply !== null) return Response.json(reply);
  // A ref from before the server was reachable may contain a provisional digest.
  if (typeof body === "string") return await send(logs.withFinalDigests(body));
  return await send(body === request.init?.body ? undefined : body as BodyInit);
}

/** A write of the SDK, with the redacted body to send if it cannot be recorded. */
interface ReadWrite {
  readonly body: unknown;
  /** Appends it to the log; returns the response, or `null` if only the server can respond. */
  readonly record: () => Promise<Json | null>;
}

async function readWrite(
  logs: SdkLogs,
  request: SdkRequest,
  { server, path }: WriteTarget,
): Promise<ReadWrite> {
  const apiKey = apiKeyIn(request.headers);
  const redactor = logs.redactor(apiKey);
  const log: Write["log"] = (projectId) =>
    logs.of({ server, projectId: projectId as string, apiKey });
  if (path === "/file/create" || path === "/files/create") {
    const form = await bodyForm(request);
    const file = form.get("file");
    if (file === null || typeof file === "string") throw new TypeError("The form holds no file");
    const bytes = new Uint8Array(await file.arrayBuffer());
    // The default name of a file in a form; Bun sets none.
    const name = file.name || "blob";
    const given = textOf(bytes) ?? bytes;
    const content = redactor.file(name, given);
    if (content !== given) form.set("file", new File([content as BlobPart], name));
    return {
      body: content === given ? request.init?.body : form,
      record: () =>
        Promise.resolve({ digest: log(form.get("project_id")).publisher.saveFile(name, content) }),
    };
  }
  const given = wellFormedJson(await bodyText(request));
  const parsed: Json = JSON.parse(given);
  const text = redactor.isClean(parsed) ? given : redactor.toText(redactor.request(parsed));
  const body: Json = text === given ? parsed : JSON.parse(text);
  return {
    body: text,
    async record() {
      const reply = await WRITE_HANDLERS[path]({ body, text, log });
      if (reply === null) await logs.delivered();
      return reply;
    },
  };
}

/** Answers a request that is not a write but needs no server. */
async function lookUp(logs: SdkLogs, request: SdkRequest): Promise<Json | null> {
  if (isEntityQuestion(request)) return await entityAnswer(logs, request);
  if (request.url.endsWith("/table/query")) {
    const { project_id, digest, ...more } = JSON.parse(await bodyText(request)) as Json;
    const rows = Object.keys(more).length === 0 && logs.tableRows(project_id, digest);
    if (rows) return { rows };
  }
  if (showsWrites(request.url)) await logs.delivered();
  return null;
}
