/**
 * Starts and ends as separate requests to the v2 calls API.
 * An end there requires the trace and the start time of its start. Ends written by this package
 * contain them; ends of other SDKs get them from a recently sent start.
 * @module
 */

import { bytesOf } from "../records/request_body.ts";
import { textField, V2_END_FIELDS } from "./call_fields.ts";
import { callKey, type CallRecord } from "./call_record.ts";
import { withoutFields } from "./json_splice.ts";

const CLOSE = bytesOf("}");
const END_OPEN = bytesOf('{"end":');
/** Maximum number of remembered starts. */
const MAX_OPEN = 10_000;

/** Remembers the fields of starts that their ends may lack. */
export class OpenCalls {
  readonly #fields = new Map<string, Uint8Array>();

  /** Returns whether the start of an end was sent recently. */
  has(end: CallRecord): boolean {
    return this.#fields.has(callKey(end));
  }

  /** Returns the request of a start, in pieces. */
  start(call: CallRecord): Uint8Array[] {
    const { record: { bytes }, parts: { objectStart, objectEnd } } = call;
    const fields = V2_END_FIELDS.map((name) =>
      `,${JSON.stringify(name)}:${JSON.stringify(textField(bytes, objectStart, objectEnd, name))}`
    );
    this.#fields.set(callKey(call), bytesOf(fields.join("")));
    if (this.#fields.size > MAX_OPEN) this.#fields.delete(this.#fields.keys().next().value!);
    return [requestOf(call)];
  }

  /** Returns the request of an end, in pieces. */
  end(call: CallRecord): Uint8Array[] {
    const { record: { bytes }, parts } = call;
    const fields = this.#fields.get(callKey(call));
    this.#fields.delete(callKey(call));
    if (parts.behindStartedAt !== -1 || fields === undefined) return [requestOf(call)];
    const bare = withoutFields(bytes, parts.objectStart, parts.objectEnd, V2_END_FIELDS);
    return [END_OPEN, bare.subarray(0, -1), fields, CLOSE, CLOSE];
  }
}

function requestOf({ record: { bytes, start, end } }: CallRecord): Uint8Array {
  return bytes.subarray(start, end);
}
