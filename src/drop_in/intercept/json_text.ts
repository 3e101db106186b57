/**
 * The JSON text of what the official SDK would send.
 *
 * @module
 */

import { Redactor } from "../../client/redaction/redactor.ts";
import { wellFormedJson } from "../../protocol/json/well_formed.ts";

const unredacted = Redactor.none();

/** A JSON object. */
export type Json = Record<string, unknown>;

/**
 * The text of a request that the SDK itself would have made, but for halves of surrogate pairs and for
 * what is redacted. Where the SDK would throw (a BigInt, a cycle), which would have ended the program,
 * the text that this package makes of any value.
 */
export function jsonText(request: object, redactor: Redactor = unredacted): string {
  try {
    const text = wellFormedJson(JSON.stringify(request));
    return redactor.isClean(request) ? text : redactor.toText(redactor.request(JSON.parse(text)));
  } catch {
    return redactor.toText(redactor.request(request));
  }
}
