/**
 * Ends a span that was serialized when it began.
 *
 * @module
 */

import { delimited, fixed64, joinBytes, varintField, wireFields } from "./wire.ts";

// Numbers of the fields in opentelemetry/proto/{collector/trace,trace}/v1.
const RESOURCE_SPANS = 1, SCOPE_SPANS = 2, SPANS = 2;
const END_TIME = 8, STATUS = 15;
const STATUS_MESSAGE = 2, STATUS_CODE = 3, ERROR = 2;

/**
 * A serialized `ExportTraceServiceRequest` whose spans end with an error. Fields that come later in a
 * message count, so that the bytes of each span stay as they are, with fields behind them.
 *
 * @param endTime Epoch nanoseconds.
 * @throws {RangeError} when the bytes are not such a request.
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

/** Changes each field with this number; all fields of these messages are messages or texts. */
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
