/**
 * A request for every write of the Weave API.
 *
 * @module
 */

import { completeOf, endOf, PROJECT, startOf } from "../mock_server/mock_requests.ts";

/** A request. */
export interface ApiWrite {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>> | FormData;
}

/** The ID of a call: a UUIDv7 with this number. */
export function callId(number: number): string {
  return `01900000-0000-7000-8000-${String(number).padStart(12, "0")}`;
}

/** A form with a file. */
export function fileForm(name: string, content: string | Uint8Array<ArrayBuffer>): FormData {
  const form = new FormData();
  form.set("project_id", PROJECT);
  form.set("file", new File([content], name));
  return form;
}

const trace = { trace_id: callId(900) };

/** One of each, in an order that the server accepts. */
export function everyWrite(): ApiWrite[] {
  const v2 = `/v2/${PROJECT}`;
  const rows = [{ question: "1 + 1", answer: 2 }, { question: "ä", answer: 0.5 }];
  return [
    { path: `${v2}/calls/complete`, body: { batch: [completeOf(callId(1), trace)] } },
    { path: `${v2}/call/start`, body: { start: startOf(callId(2), trace) } },
    {
      path: `${v2}/call/end`,
      body: { end: endOf(callId(2), { ...trace, started_at: startOf("").started_at }) },
    },
    { path: "/call/update", body: update(callId(1)) },
    { path: "/calls/delete", body: { project_id: PROJECT, call_ids: [callId(2)] } },
    { path: "/obj/create", body: { obj: object("plain", { a: [1, "ä", null] }) } },
    { path: "/table/create", body: { table: { project_id: PROJECT, rows } } },
    {
      path: "/table/update",
      body: {
        project_id: PROJECT,
        base_digest: TABLE_DIGEST,
        updates: [{ append: { row: { question: "2 + 2" } } }, { pop: { index: 0 } }, {
          insert: { index: 0, row: { question: "3 + 3" } },
        }],
      },
    },
    {
      path: "/table/create_from_digests",
      body: { project_id: PROJECT, row_digests: [ROW_DIGEST] },
    },
    { path: "/files/create", body: fileForm("text.txt", "Hello, ä") },
    { path: "/file/create", body: fileForm("bytes.bin", Uint8Array.of(0, 255, 10, 13)) },
    { path: "/feedback/create", body: feedback({ id: callId(11) }) },
    { path: "/feedback/replace", body: feedback({ id: callId(13), feedback_id: callId(11) }) },
    { path: "/feedback/batch/create", body: { batch: [feedback({ id: callId(12) })] } },
    {
      path: "/cost/create",
      body: {
        project_id: PROJECT,
        costs: { model: { prompt_token_cost: 1, completion_token_cost: 2 } },
      },
    },
  ];
}

/** Starts and ends, in the v1 batch API and individually. */
export function v1Writes(): ApiWrite[] {
  return [
    {
      path: "/call/upsert_batch",
      body: {
        batch: [
          { mode: "start", req: { start: startOf(callId(21), trace) } },
          { mode: "end", req: { end: endOf(callId(21)) } },
          { mode: "start", req: { start: startOf(callId(22), trace) } },
        ],
      },
    },
    {
      path: "/call/upsert_batch",
      body: { batch: [{ mode: "end", req: { end: endOf(callId(22)) } }] },
    },
    { path: "/call/start", body: { start: startOf(callId(23), trace) } },
    { path: "/call/end", body: { end: endOf(callId(23)) } },
  ];
}

/**
 * Digest of the table of {@linkcode everyWrite} and of its first row, as computed by the
 * mock server.
 */
export const TABLE_DIGEST = "4892f1a55bcbac37003acdfbf918f07e5b527516ecf48348df36e621d381ef59";
export const ROW_DIGEST = "2NFWE4TzmXvXRCDYYxC8XUO5QYUdtOIkzX0DBSttCuo";

/** Sends a request; a form is sent unchanged. */
export async function sendWrite(
  url: string,
  { path, body }: ApiWrite,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; json: Record<string, unknown>; headers: Headers }> {
  const response = await fetch(url + path, {
    method: "POST",
    ...(body instanceof FormData ? { body, headers } : {
      body: JSON.stringify(body),
      headers: { ...headers, "content-type": "application/json" },
    }),
  });
  const text = await response.text();
  const json = text === "" ? {} : JSON.parse(text) as Record<string, unknown>;
  return { status: response.status, json, headers: response.headers };
}

function update(id: string): Record<string, unknown> {
  return { project_id: PROJECT, call_id: id, display_name: "renamed" };
}

function object(id: string, val: unknown): Record<string, unknown> {
  return { project_id: PROJECT, object_id: id, val };
}

function feedback(more: Record<string, unknown>): Record<string, unknown> {
  return {
    project_id: PROJECT,
    weave_ref: `weave:///${PROJECT}/call/${callId(1)}`,
    feedback_type: "note",
    payload: { note: "good" },
    ...more,
  };
}
