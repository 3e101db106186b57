/**
 * Responses of the endpoints for OpenTelemetry spans, which are protobuf or JSON.
 *
 * @module
 */

import { wireFields, wireText } from "./wire.ts";

/** Content type of serialized spans, and of responses to them. */
export const PROTOBUF_TYPE = "application/x-protobuf";

/** Returns whether a `Content-Type` is that of a serialized message. */
export function isProtobuf(contentType: string | null): boolean {
  return /^application\/(x-)?protobuf\b/i.test(contentType ?? "");
}

/**
 * Converts a serialized response to JSON text: an `ExportTraceServiceResponse`, or the `Status` of
 * an error.
 *
 * @returns `""` if the bytes are neither.
 */
export function otelReplyText(bytes: Uint8Array, isError: boolean): string {
  try {
    return JSON.stringify(isError ? readStatus(bytes) : readResponse(bytes));
  } catch {
    return "";
  }
}

function readStatus(bytes: Uint8Array): Record<string, unknown> {
  const status: Record<string, unknown> = {};
  for (const field of wireFields(bytes)) if (field.number === 2) status.message = wireText(field);
  return status;
}

function readResponse(bytes: Uint8Array): Record<string, unknown> {
  const response: Record<string, unknown> = {};
  for (const { number, bytes: message } of wireFields(bytes)) {
    if (number !== 1) continue;
    const partial = { rejected_spans: 0, error_message: "" };
    for (const field of wireFields(message)) {
      if (field.number === 1) partial.rejected_spans = Number(BigInt.asIntN(64, field.value));
      if (field.number === 2) partial.error_message = wireText(field);
    }
    response.partial_success = partial;
  }
  return response;
}

/** The part of a response about rejected spans. */
export interface RejectedSpans {
  readonly count: number;
  readonly message: string;
}

/**
 * Returns the spans that a response rejects; `undefined` if it accepts all.
 *
 * @param text The response's JSON text, with field names of OTLP or in the server's spelling.
 */
export function rejectedSpans(text: string): RejectedSpans | undefined {
  if (text === "" || text === "{}") return undefined;
  const body = JSON.parse(text) as Record<string, unknown>;
  const partial = (body.partial_success ?? body.partialSuccess ?? body) as Record<string, unknown>;
  const count = Number(partial.rejected_spans ?? partial.rejectedSpans ?? 0);
  if (!(count > 0)) return undefined;
  const message = partial.error_message ?? partial.errorMessage ??
    (Array.isArray(partial.errors) ? partial.errors.join("; ") : undefined);
  return { count, message: typeof message === "string" ? message : "" };
}
