/**
 * Requests for the mock server's own tests, with plain `fetch` and no client code.
 *
 * @module
 */

/** A response with its body. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The body as JSON; `undefined` if it is not JSON. */
  // deno-lint-ignore no-explicit-any
  json: any;
}

/** Sends a request and reads its response. */
export async function send(url: string, init?: RequestInit): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: response.status, headers: response.headers, text, json };
}

/** Posts a JSON value. */
export function post(
  { url }: { url: string },
  path: string,
  body: unknown,
  init: RequestInit = {},
): Promise<Answer> {
  return send(url + path, {
    method: "POST",
    body: JSON.stringify(body),
    ...init,
    headers: { "content-type": "application/json", ...init.headers },
  });
}

/** The project of all these requests. */
export const PROJECT = "team/project";

/** The start of a call, with all required fields. */
export function startOf(id: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    project_id: PROJECT,
    id,
    trace_id: `trace-${id}`,
    op_name: `weave:///${PROJECT}/op/work:abc`,
    started_at: "2025-01-02T03:04:05.678901Z",
    attributes: {},
    inputs: { text: "in" },
    ...more,
  };
}

/** The end of a call, with all required fields. */
export function endOf(id: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    project_id: PROJECT,
    id,
    ended_at: "2025-01-02T03:04:06.000000Z",
    summary: {},
    output: "out",
    ...more,
  };
}

/** A complete call, as accepted by `calls/complete`. */
export function completeOf(
  id: string,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  return { ...startOf(id), ...endOf(id), ...more };
}

/** Path for complete calls. */
export const COMPLETE: string = `/v2/${PROJECT}/calls/complete`;

/** Sends starts and ends in one batch. */
export function upsert(
  server: { url: string },
  starts: unknown[],
  ends: unknown[] = [],
): Promise<Answer> {
  return post(server, "/call/upsert_batch", {
    batch: [
      ...starts.map((start) => ({ mode: "start", req: { start } })),
      ...ends.map((end) => ({ mode: "end", req: { end } })),
    ],
  });
}
