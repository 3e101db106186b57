/**
 * Requests that a relay does not record: it forwards them after the writes that they depend on.
 *
 * @module
 */

import { JsonObject, readJson } from "./request/json_source.ts";
import { json, type RelayContext } from "./relay_context.ts";
import type { Relay } from "./relay.ts";

/** Requests for data about the server and the owner of the key, which writes do not affect. */
const ABOUT_SERVER = /^\/(?:health|server_info|service\/projects_info|graphql)$/;

/** Handles a request that is not recorded: waits for earlier writes, then forwards it. */
export async function read(relay: Relay, c: RelayContext): Promise<Response> {
  const { path } = c.req;
  if (!ABOUT_SERVER.test(path)) {
    const projectId = projectIn(path) ?? objectIn(c.get("body"))?.string("project_id");
    const table = path === "/table/query" ? tableIn(relay, projectId, c.get("body")) : undefined;
    if (table !== undefined) return json(table);
    await relay.delivered(projectId);
  }
  return await forward(relay, c);
}

/** Forwards a request. */
export async function forward(relay: Relay, c: RelayContext): Promise<Response> {
  const { method, raw, path } = c.req;
  const { search } = new URL(raw.url);
  const body = relay.withFinalDigests(c.get("body"));
  relay.counters.passed++;
  return await relay.upstream.pass({
    method,
    path,
    query: search,
    headers: raw.headers,
    body,
    signal: c.env.left,
  });
}

/** Returns the project in a path of the v2 API; `undefined` for other paths. */
export function projectIn(path: string): string | undefined {
  const [, entity, project] = /^\/v2\/([^/]+)\/([^/]+)\//.exec(path) ?? [];
  return project === undefined ? undefined : `${decoded(entity)}/${decoded(project)}`;
}

/** Returns all rows of a table that was created through this relay. */
function tableIn(
  relay: Relay,
  projectId: string | undefined,
  body: Uint8Array,
): string | undefined {
  const query = objectIn(body);
  if (query?.members((name) => name !== "project_id" && name !== "digest") !== "") return undefined;
  return relay.logs.opened(projectId ?? "")?.tables.query(query.string("digest") ?? "");
}

/** Returns the JSON object in a body; `undefined` if there is none. */
function objectIn(body: Uint8Array): JsonObject | undefined {
  try {
    return new JsonObject(readJson(body).bytes);
  } catch {
    return undefined;
  }
}

/** Decodes a part of a path; returns it unchanged if it cannot be decoded. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
