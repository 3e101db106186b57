/**
 * The JSON text of what the official SDK would send.
 *
 * @module
 */

import { toJsonText } from "../../protocol/json/stringify.ts";
import { wellFormedJson } from "../../protocol/json/well_formed.ts";

/** A JSON object. */
export type Json = Record<string, unknown>;

/**
 * The text that the SDK itself would have made, but for halves of surrogate pairs. Where that throws (a BigInt, a cycle), which would
 * have ended the program, the text that this package makes of any value.
 */
export function jsonText(value: object): string {
  try {
    return wellFormedJson(JSON.stringify(value));
  } catch {
    return toJsonText(value);
  }
}
