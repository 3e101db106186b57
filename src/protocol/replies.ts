/**
 * The shapes of the trace server's responses to writes, and to the read of a call. They detect
 * responses from anything else, such as a captive portal or a misconfigured proxy.
 *
 * @module
 */

type Fields = Readonly<Record<string, unknown>>;
type Shape = (fields: Fields) => boolean;

const isText = (value: unknown): boolean => typeof value === "string" && value !== "";
const isListOrMissing = (value: unknown): boolean => value == null || Array.isArray(value);

const hasDigest: Shape = ({ digest }) => isText(digest);

/** Shapes by the last two parts of the path, which are unique across versions of the API. */
const SHAPES: Readonly<Record<string, Shape>> = {
  "call/upsert_batch": ({ res }) => Array.isArray(res),
  "batch/create": ({ res }) => Array.isArray(res),
  "call/start": ({ id, trace_id }) => isText(id) && isText(trace_id),
  "call/read": ({ call }) => typeof call === "object",
  "obj/create": hasDigest,
  "file/create": hasDigest,
  "files/create": hasDigest,
  "table/create_from_digests": hasDigest,
  "table/create": ({ digest, row_digests }) => isText(digest) && isListOrMissing(row_digests),
  "table/update": ({ digest, updated_row_digests: rows }) =>
    isText(digest) && isListOrMissing(rows),
  "feedback/create": ({ id, created_at }) => isText(id) && isText(created_at),
  "feedback/replace": ({ id, created_at }) => isText(id) && isText(created_at),
  "cost/create": ({ ids }) => Array.isArray(ids),
};

/** Fields of the responses to OpenTelemetry spans, in OTLP's or the server's spelling. */
const OTEL_FIELDS: ReadonlySet<string> = new Set([
  "partial_success",
  "partialSuccess",
  "accepted_spans",
  "rejected_spans",
  "error_message",
]);

/** Fields in a response that is empty in other versions. */
const HARMLESS: ReadonlySet<string> = new Set(["res", "num_deleted"]);

/**
 * Classification of the body of a 2xx response.
 *
 * - `reply`: the trace server's.
 * - `unclear`: the response to this request has no fields, but this one has. A newer server may
 *   have added them, or a portal may have answered.
 * - `foreign`: not the trace server's.
 * - `incomplete`: the beginning of a JSON text.
 */
export type ReplyKind = "reply" | "unclear" | "foreign" | "incomplete";

/**
 * Classifies `text`, the body of a response to a write at `path`. Accepts additional fields.
 *
 * @example
 * ```ts
 * if (replyKind("/obj/create", '{"digest":"abc"}') !== "reply") throw new Error("refused");
 * if (replyKind("/obj/create", '{"error":"login required"}') !== "foreign") throw new Error("taken");
 * ```
 */
export function replyKind(path: string, text: string): ReplyKind {
  if (text === "{}") return shapeOf(path) ? "foreign" : "reply";
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return /^\s*[[{]/.test(text) ? "incomplete" : "foreign";
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "foreign";
  const shape = shapeOf(path);
  if (shape) return shape(value as Fields) ? "reply" : "foreign";
  const known = isOtelPath(path) ? OTEL_FIELDS : HARMLESS;
  return Object.keys(value).every((name) => known.has(name)) ? "reply" : "unclear";
}

/** Returns whether `text` is the trace server's response to `GET /server_info`. */
export function isServerInfo(text: string): boolean {
  try {
    const info = JSON.parse(text) as Fields | null;
    return typeof info?.min_required_weave_python_version === "string";
  } catch {
    return false;
  }
}

/** Returns whether `path` is an endpoint for OpenTelemetry spans. */
export function isOtelPath(path: string): boolean {
  return path.endsWith("/otel/v1/traces");
}

function shapeOf(path: string): Shape | undefined {
  const [group, name] = path.split("/").slice(-2);
  return SHAPES[`${group}/${name}`];
}
