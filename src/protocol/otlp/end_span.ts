/**
 * Ends a span that was serialized when it began.
 *
 * @module
 */

import { delimited, fixed64, joinBytes, varintField, wireFields } from "./wire.ts";

// Field numbers in opentelemetry/proto/{collector/trace,trace}/v1.
const RESOURCE_SPANS = 1, SCOPE_SPANS = 2, SPANS = 2;
const END_TIME = 8, STATUS = 15;
const STATUS_MESSAGE = 2, STATUS_CODE = 3, ERROR = 2;

/**
 * Ends the spans of a serialized `ExportTraceServiceRequest` with an error. In protobuf, later
 * fields override earlier ones, so the bytes of each span stay as they are and fields are appended.
 *
 * @param endTime Epoch nanoseconds.
 * @throws {RangeError} If the bytes are not such a request.
 */
export function endSpans(request: Uint8Array, endTime: bigint, message: string): Uint8Array {
  const status = joinBytes([
    delimited(STATUS_MESSAGE, new TextEncoder().encode(message)),
    varintField(STATUS_CODE, ERROR),
  ]);
  const end = [fixed64(END_TIME, endTime), delimited(STATUS, status)];
  return inside(
    request,
    RESOURCE_SPANS,
    (resource) =>
      inside(
        resource,
        SCOPE_SPANS,
        (scope) => inside(scope, SPANS, (span) => joinBytes([span, ...end])),
      ),
  );
}

/** Changes each field with this number. All fields of these messages are length-delimited. */
function inside(
  message: Uint8Array,
  number: number,
  change: (field: Uint8Array) => Uint8Array,
): Uint8Array {
  return joinBytes([...wireFields(message)].map((field) => {
    if (field.wireType !== 2) throw new RangeError(`Cannot read field: ${field.number}`);
    return delimited(field.number, field.number === number ? change(field.bytes) : field.bytes);
  }));
}
