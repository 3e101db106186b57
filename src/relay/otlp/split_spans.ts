/**
 * Splits an `ExportTraceServiceRequest` into requests of one span each, so that a rejected span
 * does not affect others. The bytes of spans are not decoded.
 *
 * @module
 */

import { readSpans } from "../../protocol/otlp/spans.ts";
import { delimited, joinBytes, wireFields } from "../../protocol/otlp/wire.ts";

/** Field numbers in opentelemetry/proto/{collector/trace,trace}/v1. */
const RESOURCE_SPANS = 1, SCOPE_SPANS = 2, SPANS = 2;

/** A request with one span. */
export interface SpanRequest {
  /** `entity/project` from the span's resource; `undefined` if it contains none. */
  readonly projectId: string | undefined;
  readonly request: Uint8Array;
}

/**
 * Returns the spans of a request, in order.
 *
 * @throws {RangeError} If the bytes are not such a request.
 */
export function splitSpans(request: Uint8Array): SpanRequest[] {
  const spans: SpanRequest[] = [];
  for (const resource of wireFields(request)) {
    if (resource.number !== RESOURCE_SPANS || resource.wireType !== 2) continue;
    const [resourceHead, scopes] = parted(resource.bytes, SCOPE_SPANS);
    const wrap = (scopeSpans: Uint8Array): Uint8Array =>
      delimited(RESOURCE_SPANS, joinBytes([resourceHead, delimited(SCOPE_SPANS, scopeSpans)]));
    const projectId = projectOf(wrap(delimited(SPANS, new Uint8Array(0))));
    for (const scope of scopes) {
      const [scopeHead, bodies] = parted(scope, SPANS);
      for (const span of bodies) {
        spans.push({ projectId, request: wrap(joinBytes([scopeHead, delimited(SPANS, span)])) });
      }
    }
  }
  return spans;
}

/** Returns the messages in the repeated field `number`, and all other fields of a message. */
function parted(message: Uint8Array, number: number): [head: Uint8Array, items: Uint8Array[]] {
  const head: Uint8Array[] = [], items: Uint8Array[] = [];
  for (const field of wireFields(message)) {
    if (field.wireType !== 2) continue;
    if (field.number === number) items.push(field.bytes);
    else head.push(delimited(field.number, field.bytes));
  }
  return [joinBytes(head), items];
}

/** Returns the project in the resource of a request's span. */
function projectOf(request: Uint8Array): string | undefined {
  const { "wandb.entity": entity, "wandb.project": project } = readSpans(request)[0].resource;
  return typeof entity === "string" && typeof project === "string"
    ? `${entity}/${project}`
    : undefined;
}
