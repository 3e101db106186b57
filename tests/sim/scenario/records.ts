/**
 * Records of every type, with the exact texts in which they may reach a server.
 *
 * The texts are built without the library's code: what the simulated server receives must
 * equal one of them, byte for byte.
 *
 * @module
 */

import type { RecordType } from "../../../src/protocol/record_types.ts";
import type { Random } from "./random.ts";

/** Kinds of records. `call` is a start immediately followed by its end. */
export const RECORD_KINDS = [
  "call",
  "start",
  "end",
  "object",
  "digest",
  "table",
  "file",
  "bytes",
  "feedback",
  "replace",
  "update",
  "delete",
  "cost",
  "pop",
  "rows",
] as const;

/**
 * The name of a kind of record. Spans (some with noted starts) replace some records of
 * other kinds, so that seeds older than spans still produce the same scenarios.
 */
export type RecordKind = (typeof RECORD_KINDS)[number] | "span" | "noted-span";

/** A record's texts. */
export interface RecordText {
  readonly type: RecordType;
  /** The request as appended. */
  readonly request: string;
  /** Its item in `/call/upsert_batch`. */
  readonly v1?: string;
  /** The bodies that it may have when it is sent in a request of its own. */
  readonly bodies: readonly string[];
  /** The fields before and after the point at which a call's start and end are joined. */
  readonly half?: string;
  /** Name and content of a file. */
  readonly file?: { readonly name: string; readonly content: Uint8Array };
  /** The bytes of a record of spans, and the path to which they are sent. */
  readonly spans?: { readonly bytes: Uint8Array; readonly path: string };
}

/** Plan of a record. */
export interface RecordPlan {
  readonly project: string;
  /** Unique; identifies the record at the server. */
  readonly key: string;
  /** The call to which it belongs. */
  readonly call: string;
  readonly size: number;
  readonly random: Random;
}

type Field = readonly [name: string, value: string];

const PIECES = [
  "plain words ",
  "é à ",
  "日本 ",
  "🙂",
  '\\" ',
  "\\\\",
  "\\u00e9",
  "{[",
  "]}",
  ",:",
  "\\n",
];
/** Values that change when they are parsed and re-serialized. */
const SPELLINGS = "[1.0,1e-07,12345678901234567890,-0.0,1E5]";

const text = (value: string) => `"${value}"`;
const object = (fields: readonly Field[]) =>
  `{${fields.map(([name, value]) => `"${name}":${value}`).join(",")}}`;
const inner = (fields: readonly Field[]) => object(fields).slice(1, -1);

function filler({ random, size }: RecordPlan): string {
  let result = "";
  while (result.length < size) result += random.pick(PIECES);
  return text(result);
}

function payload(plan: RecordPlan): string {
  return object([
    ["spelling", SPELLINGS],
    ["text", filler(plan)],
  ]);
}

/** The first fields of a call's start, shared with its end. */
function head(
  { project, call }: RecordPlan,
): { project: Field; id: Field; trace: Field; at: Field } {
  return {
    project: ["project_id", text(project)],
    id: ["id", text(call)],
    trace: ["trace_id", text(`t${call}`)],
    at: ["started_at", text(`2026-01-01T00:00:00.${call.slice(1).padStart(6, "0")}Z`)],
  };
}

/** The start of a call. */
export function startText(plan: RecordPlan, foreign = false): RecordText {
  const { project, id, trace, at } = head(plan);
  const op: Field = ["op_name", text("work")];
  const rest: Field[] = [["attributes", "{}"], ["inputs", payload(plan)]];
  const fields = foreign
    ? [project, op, id, trace, at, ...rest]
    : [project, id, trace, op, at, ...rest];
  const request = `{"start":${object(fields)}}`;
  return {
    type: "call_start",
    request: foreign ? spaced(request) : request,
    v1: `{"mode":"start","req":${request}}`,
    bodies: [request],
    half: inner(fields),
  };
}

/** The end of a call. In a foreign log, it may lack fields that the v2 path needs. */
export function endText(plan: RecordPlan, foreign = false): RecordText {
  const { project, id, trace, at } = head(plan);
  const rest: Field[] = [
    ["ended_at", text("2026-01-01T00:00:00Z")],
    ["output", payload(plan)],
    ["summary", "{}"],
  ];
  const bare = [project, id, ...rest];
  const whole = foreign ? [...bare, trace, at] : [project, id, trace, at, ...rest];
  const fields = foreign && plan.random.chance(0.5) ? bare : whole;
  const request = `{"end":${object(fields)}}`;
  return {
    type: "call_end",
    request: foreign ? spaced(request) : request,
    v1: `{"mode":"end","req":{"end":${object(bare)}}}`,
    bodies: foreign ? [request, `{"end":${object(whole)}}`] : [request],
    half: inner(rest),
  };
}

/** A start and its end as a complete call. */
export function completeText(start: RecordText, end: RecordText): string {
  return `{${start.half},${end.half}}`;
}

/** A record of any other kind. */
export function otherText(
  kind: Exclude<RecordKind, "call" | "start" | "end" | "noted-span">,
  plan: RecordPlan,
): RecordText {
  const project: Field = ["project_id", text(plan.project)];
  const key = text(plan.key);
  const one = (type: RecordType, request: string, without?: string): RecordText => ({
    type,
    request,
    bodies: without === undefined ? [request] : [request, without],
  });
  const plain = (type: RecordType, ...fields: Field[]) => one(type, object([project, ...fields]));
  switch (kind) {
    case "object":
    case "digest": {
      const fields: Field[] = [project, ["object_id", key], ["val", payload(plan)]];
      const expected: Field = ["expected_digest", text(kind === "digest" ? "wrong" : "right")];
      return one(
        "obj_create",
        `{"obj":${object([...fields, expected])}}`,
        `{"obj":${object(fields)}}`,
      );
    }
    case "table":
      return one(
        "table_create",
        `{"table":${object([project, ["rows", `[{"k":${key}},${payload(plan)}]`]])}}`,
      );
    case "rows":
      return one(
        "table_create_from_digests",
        object([project, ["row_digests", `[${key}]`], ["expected_digest", text("right")]]),
        object([project, ["row_digests", `[${key}]`]]),
      );
    case "pop":
      return plain("table_update", ["base_digest", key], ["updates", `[{"pop":{"index":0}}]`]);
    case "file":
    case "bytes":
      return fileText(kind, plan, project);
    case "feedback":
      return plain(
        "feedback_create",
        ["id", key],
        ["weave_ref", text(`weave:///${plan.project}/call/${plan.call}`)],
        ["feedback_type", text("note")],
        ["payload", payload(plan)],
      );
    case "replace":
      return plain("feedback_replace", ["id", key], ["payload", payload(plan)]);
    case "update":
      return plain("call_update", ["call_id", text(plan.call)], ["display_name", key]);
    case "delete":
      return plain("calls_delete", ["call_ids", `[${text(plan.call)},${key}]`]);
    case "span":
      return spanText(plan, project);
    case "cost":
      return plain("cost_create", ["costs", `{${key}:{"prompt_token_cost":1.0}}`]);
  }
}

function fileText(kind: "file" | "bytes", plan: RecordPlan, project: Field): RecordText {
  const name: Field = ["name", text(plan.key)];
  if (kind === "bytes") {
    const content = Uint8Array.from({ length: plan.size }, () => plan.random.int(0, 255));
    const base64 = btoa(String.fromCharCode(...content));
    const request = object([project, name, ["content_base64", text(base64)]]);
    return { type: "file_create", request, bodies: [], file: { name: plan.key, content } };
  }
  const value = filler(plan);
  return {
    type: "file_create",
    request: object([project, name, ["content", value]]),
    bodies: [],
    file: { name: plan.key, content: new TextEncoder().encode(JSON.parse(value) as string) },
  };
}

/**
 * A serialized request whose first field holds one or two messages, each with the
 * record's key and bytes of all values.
 */
function spanText(plan: RecordPlan, project: Field): RecordText {
  const { random, size, key } = plan;
  const frames = Array.from({ length: random.int(1, 2) }, (_, index) => {
    const noise = Array.from({ length: size }, () => random.int(0, 255));
    const contents = [...new TextEncoder().encode(`${key}/${index};`), ...noise];
    const { length } = contents;
    return [10, ...(length < 128 ? [length] : [length % 128 + 128, length >> 7]), ...contents];
  });
  const bytes = Uint8Array.from(frames.flat());
  const base64 = btoa(String.fromCharCode(...bytes));
  const isAgents = random.chance(0.3);
  return {
    type: isAgents ? "otel_agents" : "otel_traces",
    request: object([project, ["request_base64", text(base64)]]),
    bodies: [],
    spans: { bytes, path: isAgents ? "/agents/otel/v1/traces" : "/otel/v1/traces" },
  };
}

/** Formats the text like Python's `json.dumps`. */
export function spaced(json: string): string {
  return outsideStrings(json, (part) => part.replace(/[,:]/g, "$& "));
}

/** Removes spaces outside of strings. */
export function unspaced(json: string): string {
  return outsideStrings(json, (part) => part.replace(/\s+/g, ""));
}

function outsideStrings(json: string, change: (part: string) => string): string {
  return json.replace(
    /"(?:[^"\\]|\\.)*"|[^"]+/g,
    (part) => part.startsWith('"') ? part : change(part),
  );
}
