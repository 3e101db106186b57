/**
 * The JSON text that the official SDK would send.
 *
 * @module
 */

import { Redactor } from "../../client/redaction/redactor.ts";
import { wellFormedJson } from "../../protocol/json/well_formed.ts";

const unredacted = Redactor.none();

/** A JSON object. */
export type Json = Record<string, unknown>;

/**
 * Returns the text of a request as the SDK itself would serialize it, except for lone surrogates
 * and redaction. Where the SDK would throw (a BigInt, a cycle) and end the program, uses this
 * package's own encoding.
 */
export function jsonText(request: object, redactor: Redactor = unredacted): string {
  try {
    const text = wellFormedJson(JSON.stringify(request));
    return redactor.isClean(request) ? text : redactor.toText(redactor.request(JSON.parse(text)));
  } catch {
    return redactor.toText(redactor.request(request));
  }
}
