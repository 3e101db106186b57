/**
 * Determines which of the official SDK's requests are writes that can be recorded.
 *
 * @module
 */

import { CALL_BATCH_PATH, ENDPOINTS } from "../../protocol/endpoints.ts";

/** Destination of a write. */
export interface WriteTarget {
  /** Base URL of the trace server, without a trailing slash. */
  readonly server: string;
  /** Path relative to it, without the entity and project of the v2 calls API: `/v2/call/end`. */
  readonly path: string;
}

const V2 = /^\/v2\/[^/]+\/[^/]+(\/calls\/complete|\/call\/start|\/call\/end)$/;

const writes: ReadonlySet<string> = new Set([
  CALL_BATCH_PATH,
  ...Object.values(ENDPOINTS).flatMap(({ paths, batch }) => batch ? [...paths, batch] : paths),
]);

/** Parses a URL; returns `null` if it is not that of a write. */
export function writeTarget(url: string): WriteTarget | null {
  const { origin, pathname } = new URL(url);
  const whole = pathname.replace(/\/{2,}/g, "/");
  for (let at = 0; at !== -1; at = whole.indexOf("/", at + 1)) {
    const path = whole.slice(at);
    const server = origin + whole.slice(0, at);
    if (writes.has(path)) return { server, path };
    const v2 = V2.exec(path)?.[1];
    if (v2 !== undefined) return { server, path: `/v2${v2}` };
  }
  return null;
}

/** Requests for server information and the default entity, without traced data. */
const ABOUT_SERVER = /\/(?:health|server_info|service\/projects_info|graphql)$/;

/** Returns whether the response to a request other than a write may depend on earlier writes. */
export function showsWrites(url: string): boolean {
  return !ABOUT_SERVER.test(new URL(url).pathname);
}
