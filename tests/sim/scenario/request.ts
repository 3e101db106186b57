/**
 * Parses a request as a server would, and identifies the records in it.
 *
 * @module
 */

import { INTERRUPTED_SPAN } from "../../../src/wal/open_calls/open_calls.ts";
import { isCut } from "../checks/closings.ts";
import type { Ledger, SimRecord } from "../world/ledger.ts";
import { completeText, unspaced } from "./records.ts";
import type { ServerMode, Setup } from "./scenario.ts";

/** A request that arrives at a server. */
export interface IncomingRequest {
  readonly server: number;
  readonly path: string;
  readonly retryId: string;
  /** Everything that must be the same on every attempt. */
  readonly what: string;
  /** Size in bytes. */
  readonly size: number;
  /** The records it was made from; empty if unknown. */
  readonly records: readonly SimRecord[];
  /** The records that a rejection of this request settles: one, or a start and its end. */
  readonly exclusive: readonly SimRecord[];
  /** The difference from the appended records; `null` if there is none. */
  readonly trouble: string | null;
  /** Whether it expects a digest that differs from the server's. */
  readonly hasWrongDigest: boolean;
  /** Whether a server in this mode lacks its path. */
  missing(mode: ServerMode, setup: Setup): boolean;
  /** Whether it may be sent to another route if the server lacks this one. */
  readonly hasOtherRoutes: boolean;
  /** Whether this status is final for the records in it. */
  isDecisive(status: number): boolean;
}

const V2 = /^\/v2\/[^/]+\/[^/]+\/(calls\/complete|call\/start|call\/end)$/;
const PATHS: Readonly<Record<string, string>> = {
  "/obj/create": "obj_create",
  "/table/create": "table_create",
  "/table/update": "table_update",
  "/table/create_from_digests": "table_create_from_digests",
  "/feedback/create": "feedback_create",
  "/feedback/replace": "feedback_replace",
  "/call/update": "call_update",
  "/calls/delete": "calls_delete",
  "/cost/create": "cost_create",
};
const FEEDBACK_BATCH = "/feedback/batch/create";
const UPSERT = "/call/upsert_batch";
const strict = new TextDecoder("utf-8", { fatal: true });
const lenient = new TextDecoder();

/** Contents of a request. */
interface Found {
  readonly records: SimRecord[];
  /** The texts that the body may equal. */
  readonly bodies: readonly string[];
}

/** Parses a request passed to `fetch`. */
export function readRequest(
  ledger: Ledger,
  server: number,
  path: string,
  init: RequestInit,
): IncomingRequest {
  const retryId = (init.headers as Record<string, string>)["X-Weave-Retry-Id"];
  const base = { server, path, retryId, ...policy(path) };
  const bytes = init.body as Uint8Array;
  const [, boundary] = /boundary=(.*)$/.exec(
    (init.headers as Record<string, string>)["Content-Type"],
  ) ?? [];
  if (boundary) return { ...base, ...readForm(ledger, path, bytes, boundary) };
  if (path.endsWith("/otel/v1/traces")) {
    return { ...base, ...readSpans(ledger, path, bytes, init.headers as Record<string, string>) };
  }
  const text = lenient.decode(bytes);
  const found = findRecords(ledger, path, text);
  const records = found?.records ?? [];
  return {
    ...base,
    what: `${path} ${text}`,
    size: bytes.length,
    records,
    exclusive: isExclusive(records) ? records : [],
    trouble: found === null ? `cannot be read: ${cut(text)}` : compare(bytes, text, found),
    hasWrongDigest: text.includes('"expected_digest":"wrong"'),
  };
}

function policy(
  path: string,
): Pick<IncomingRequest, "missing" | "hasOtherRoutes" | "isDecisive"> {
  const isCalls = path === UPSERT || V2.test(path);
  const hasOtherRoutes = isCalls || path === FEEDBACK_BATCH;
  return {
    hasOtherRoutes,
    missing: (mode, setup) => {
      if (V2.test(path)) return mode === "old" || mode === "neither";
      if (path === UPSERT) return mode === "neither";
      if (path === FEEDBACK_BATCH) return !setup.feedbackBatch;
      return path === (setup.newFiles ? "/file/create" : "/files/create");
    },
    isDecisive: (status) =>
      status >= 400 && status < 500 && ![401, 403, 408, 425, 429].includes(status) &&
      !((status === 404 || status === 405) && hasOtherRoutes),
  };
}

function isExclusive(records: readonly SimRecord[]): boolean {
  return records.length === 1 ||
    (records.length === 2 && records[0].kind === "start" && records[1].kind === "end" &&
      records[0].call === records[1].call);
}

function findRecords(ledger: Ledger, path: string, text: string): Found | null {
  try {
    if (path === UPSERT) return findUpserts(ledger, text);
    const v2 = V2.exec(path)?.[1];
    if (v2 === "calls/complete") return findComplete(ledger, text);
    if (v2) return findCall(ledger, text, v2 === "call/start" ? "start" : "end");
    if (path === FEEDBACK_BATCH) {
      const { batch } = JSON.parse(text) as { batch: { id: string }[] };
      const records = batch.map(({ id }) => known(ledger, id));
      return { records, bodies: [batchOf(records.map((record) => record.text.bodies[0]))] };
    }
    const key = /"(r\d+)"/.exec(text)?.[1];
    if (key === undefined) return null;
    JSON.parse(text);
    const record = known(ledger, key);
    return {
      records: [record],
      bodies: PATHS[path] === record.text.type ? record.text.bodies : [],
    };
  } catch {
    return null;
  }
}

function findUpserts(ledger: Ledger, text: string): Found {
  type Item = { mode: "start" | "end"; req: Record<string, CallPart> };
  const { batch } = JSON.parse(text) as { batch: Item[] };
  const records = batch.map(({ mode, req }) => knownPart(ledger, req[mode], mode));
  return { records, bodies: [batchOf(records.map((record) => record.text.v1!))] };
}

function findComplete(ledger: Ledger, text: string): Found {
  const { batch } = JSON.parse(text) as { batch: CallPart[] };
  const pairs = batch.map((call) => [
    knownPart(ledger, call, "start"),
    knownPart(ledger, call, "end"),
  ]);
  return {
    records: pairs.flat(),
    bodies: [batchOf(pairs.map(([start, end]) => completeText(start.text, end.text)))],
  };
}

function findCall(ledger: Ledger, text: string, part: "start" | "end"): Found {
  const value = JSON.parse(text) as Record<string, CallPart>;
  const record = knownPart(ledger, value[part], part);
  return { records: [record], bodies: record.text.bodies };
}

/** A start, an end, or both. */
interface CallPart {
  readonly id: string;
  readonly exception?: string;
}

function knownPart(ledger: Ledger, call: CallPart, part: "start" | "end"): SimRecord {
  return known(ledger, `${call.id}:${part === "end" && isCut(call) ? "cut" : part}`);
}

function known(ledger: Ledger, key: string): SimRecord {
  const record = ledger.find(key);
  if (!record) throw new Error(`Unknown record: ${key}`);
  return record;
}

function batchOf(items: readonly string[]): string {
  return `{"batch":[${items.join(",")}]}`;
}

function compare(bytes: Uint8Array, text: string, { records, bodies }: Found): string | null {
  try {
    strict.decode(bytes);
  } catch {
    return `is not UTF-8: ${cut(text)}`;
  }
  // Spaces may occur between records, but not within one.
  const isWhole = records.every(({ origin, text: { half, bodies: [body] } }) =>
    origin === null || text.includes(half ?? body) || bodies.includes(text)
  );
  return isWhole && bodies.includes(unspaced(text))
    ? null
    : `is not what was appended: ${cut(text)}`;
}

type Contents = Omit<
  IncomingRequest,
  "server" | "path" | "retryId" | "missing" | "hasOtherRoutes" | "isDecisive"
>;

/** Reads spans: the messages of each record in order, one record after the other. */
function readSpans(
  ledger: Ledger,
  path: string,
  bytes: Uint8Array,
  headers: Record<string, string>,
): Contents {
  const records: SimRecord[] = [];
  let at = 0;
  while (at < bytes.length) {
    const record = ledger.find(spanKey(bytes, at) ?? "");
    const spans = record?.text.spans;
    if (record === undefined || spans === undefined) break;
    records.push(record);
    if (!spans.bytes.every((byte, i) => byte === bytes[at + i])) break;
    at += spans.bytes.length;
  }
  const isSame = at === bytes.length && at > 0 &&
    headers["Content-Type"] === "application/x-protobuf" &&
    records.every(({ text, project }) =>
      text.spans!.path === path && headers.project_id === `e/p${project}`
    );
  const keys = records.map(({ key }) => key).join();
  return {
    what: `${path} ${String.fromCharCode(...bytes)}`,
    size: bytes.length,
    records,
    exclusive: isExclusive(records) ? records : [],
    trouble: isSame ? null : `is not the spans that were appended: ${keys}, ${at} bytes`,
    hasWrongDigest: false,
  };
}

/** The key of the record of the message at `at`: arbitrary bytes, or one span whose start was noted. */
function spanKey(bytes: Uint8Array, at: number): string | undefined {
  const isLong = bytes[at + 1] >= 128;
  const length = isLong ? bytes[at + 1] - 128 + (bytes[at + 2] << 7) : bytes[at + 1];
  const from = at + (isLong ? 3 : 2);
  const message = lenient.decode(bytes.subarray(from, from + length));
  const key = /^(r\d+)\/\d;/.exec(message)?.[1];
  const id = /(s\d+);/.exec(message.slice(0, 80))?.[1];
  if (key !== undefined || id === undefined) return key;
  return `${id}:${message.includes(INTERRUPTED_SPAN) ? "cut" : "end"}`;
}

function readForm(ledger: Ledger, path: string, bytes: Uint8Array, boundary: string): Contents {
  const text = latin1(bytes);
  const [, project, name = "", content = ""] = new RegExp(
    `^--${boundary}\r\nContent-Disposition: form-data; name="project_id"\r\n\r\n(.*)\r\n` +
      `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="(.*)"\r\n` +
      `Content-Type: application/octet-stream\r\n\r\n([^]*)\r\n--${boundary}--\r\n$`,
  ).exec(text) ?? [];
  const record = ledger.find(name);
  const expected = record?.text.file?.content;
  const isSound = expected !== undefined && content === latin1(expected) &&
    project === `e/p${record!.project}`;
  const records = record ? [record] : [];
  return {
    what: `${path} ${text}`,
    size: content.length,
    records,
    exclusive: records,
    trouble: isSound ? null : `is not the file that was appended: ${name}, ${bytes.length} bytes`,
    hasWrongDigest: false,
  };
}

/** Maps each byte to a character. */
function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

function cut(text: string): string {
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}
