/**
 * The request level: what the official SDK hands to `fetch` is recorded and answered on the spot.
 *
 * @module
 */

import { wellFormedJson } from "../../protocol/json/well_formed.ts";
import { shared } from "../../runtime/process/shared_state.ts";
import { entityAnswer, isEntityQuestion } from "./entity_query.ts";
import type { Json } from "./json_text.ts";
import type { ProjectLog } from "../logs/project_log.ts";
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
import { ANSWERS, type Write } from "./write_handlers.ts";
import { showsWrites, type WriteTarget, writeTarget } from "./write_paths.ts";

/** How a wrapped `fetch` finds the SDK's requests. */
export interface InterceptOptions {
  /** Every request is the SDK's: this is the `fetch` of its client. */
  readonly trusted: boolean;
  /** Called for each of the SDK's requests, with whether it is a write to a trace server. */
  readonly onRequest?: (isWrite: boolean) => void;
}

/** Requests that were seen once and sent on, seen again on their way to the host's `fetch`. */
const passed = shared("passed-requests", () => new WeakSet<object>());

/**
 * A `fetch` that takes the SDK's writes into the log and answers as the server would; everything
 * else goes to `next` as it is.
 */
export function intercepting(
  logs: SdkLogs,
  next: Fetch,
  options: InterceptOptions,
): Fetch {
  return (input, init) => {
    const request = find(input, init, options.trusted);
    return request === null ? next(input, init) : answer(logs, request, options, (body) => {
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
    // Not a request that can be read: `fetch` itself will say so.
    return null;
  }
}

async function answer(
  logs: SdkLogs,
  request: SdkRequest,
  { onRequest }: InterceptOptions,
  send: (body?: string) => Promise<Response>,
): Promise<Response> {
  let reply: Json | null = null;
  try {
    const target = request.method === "POST" ? writeTarget(request.url) : null;
    onRequest?.(target !== null);
    reply = target ? await record(logs, request, target) : await lookUp(logs, request);
  } catch (error) {
    // The server says what is wrong with the request; the log can only say why it has none of it.
    const why = error instanceof Error ? error.message : String(error);
    logs.logger.once("warn", `not-recorded ${why}`, `Cannot record a request of weave: ${why}`);
  }
  if (reply !== null) return Response.json(reply);
  const body = request.init?.body;
  // A ref from before the server was reached may name what the server knows otherwise.
  return await send(typeof body === "string" ? logs.withFinalDigests(body) : undefined);
}

async function record(
  logs: SdkLogs,
  request: SdkRequest,
  { server, path }: WriteTarget,
): Promise<Json | null> {
  const apiKey = apiKeyIn(request.headers);
  const log: Write["log"] = (projectId) =>
    logs.of({ server, projectId: projectId as string, apiKey });
  if (path === "/file/create" || path === "/files/create") {
    const form = await bodyForm(request);
    return await saveFile(log(form.get("project_id")), form.get("file"));
  }
  const text = wellFormedJson(await bodyText(request));
  const reply = await ANSWERS[path]({ body: JSON.parse(text), text, log });
  if (reply === null) await logs.delivered();
  return reply;
}

async function saveFile({ publisher }: ProjectLog, file: FormDataEntryValue | null): Promise<Json> {
  if (file === null || typeof file === "string") throw new TypeError("The form holds no file");
  const bytes = new Uint8Array(await file.arrayBuffer());
  // The name that a form gives to a file without one; Bun gives none.
  return { digest: publisher.saveFile(file.name || "blob", textOf(bytes) ?? bytes) };
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text that bytes stand for, where they stand for one: a log of texts is easier to read. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** What can be answered without the server though it is no write. */
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
