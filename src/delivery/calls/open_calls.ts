/**
 * Starts and ends as separate requests to the v2 calls API.
 * An end there requires the trace and the start time of its start. Ends written by this package
 * contain them; ends of other SDKs get them from a recently sent start, or from the server.
 * @module
 */

import { bytesOf } from "../records/request_body.ts";
import { textField, V2_END_FIELDS } from "./call_fields.ts";
import { callKey, type CallRecord } from "./call_record.ts";
import { withoutFields } from "./json_splice.ts";
import type { StartFields } from "./start_lookup.ts";

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
    this.#remember(call, (name) => textField(bytes, objectStart, objectEnd, name));
    return [requestOf(call)];
  }

  /** Remembers the fields of the start of `end`. */
  found(end: CallRecord, fields: StartFields): void {
    this.#remember(end, (name) => fields[name]);
  }

  /** Returns whether an end lacks fields of its start that are not known here either. */
  lacksStart(end: CallRecord): boolean {
    const { record: { bytes }, parts: { objectStart, objectEnd, behindStartedAt } } = end;
    return behindStartedAt === -1 && !this.has(end) &&
      V2_END_FIELDS.some((name) => textField(bytes, objectStart, objectEnd, name) === undefined);
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

  #remember(
    call: CallRecord,
    field: (name: (typeof V2_END_FIELDS)[number]) => string | undefined,
  ): void {
    const fields = V2_END_FIELDS.map((name) =>
      `,${JSON.stringify(name)}:${JSON.stringify(field(name))}`
    );
    this.#fields.set(callKey(call), bytesOf(fields.join("")));
    if (this.#fields.size > MAX_OPEN) this.#fields.delete(this.#fields.keys().next().value!);
  }
}

function requestOf({ record: { bytes, start, end } }: CallRecord): Uint8Array {
  return bytes.subarray(start, end);
}
