/**
 * Responses like those of the trace server, for tests whose server is only a `fetch`.
 *
 * @module
 */

import type { Fetch } from "../../../src/runtime/runtime.ts";

/** The body of a 2xx response to a write at `path`. */
export function replyTo(path: string): string {
  if (/\/(?:upsert_batch|batch\/create)$/.test(path)) return '{"res":[]}';
  if (path.endsWith("/call/start")) return '{"id":"c","trace_id":"t"}';
  if (/\/table\/create$/.test(path)) return '{"digest":"d","row_digests":[]}';
  if (/\/table\/update$/.test(path)) return '{"digest":"d","updated_row_digests":[]}';
  if (/\/(?:obj|files?)\/create$|create_from_digests$/.test(path)) return '{"digest":"d"}';
  if (/\/feedback\/(?:create|replace)$/.test(path)) {
    return '{"id":"f","created_at":"2026-01-01T00:00:00Z","wb_user_id":"u","payload":{}}';
  }
  if (path.endsWith("/cost/create")) return '{"ids":[["c","model"]]}';
  return "{}";
}

/** The response of a healthy server to a request that writes nothing; `null` for other requests. */
export function readReply(path: string): string | null {
  if (path.endsWith("/health")) return '{"status":"ok"}';
  if (path.endsWith("/server_info")) return '{"min_required_weave_python_version":"0.0.1"}';
  if (path.endsWith("/call/read")) return '{"call":null}';
  return null;
}

/** `fetch` of a healthy server, whose writes are handled by `write`. */
export function withHealth(write: Fetch): Fetch {
  return (url, init) => {
    const reply = readReply(url);
    return reply === null ? write(url, init) : Promise.resolve(new Response(reply));
  };
}
