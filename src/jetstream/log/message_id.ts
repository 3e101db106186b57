/**
 * IDs of messages: the engine stores messages with the same ID once, within two minutes.
 *
 * A message that holds nothing but starts and ends of calls with IDs has an ID that is made of what
 * it holds. A caller who got no response sends its request again, perhaps to another relay, and the
 * first attempt may reach the stream later, after the end of the call: it is stored once all the
 * same. Other records may be written twice on purpose, such as a version of an object that is the
 * latest again; their messages have the writer's own IDs.
 *
 * @module
 */

import { toHex } from "../../protocol/digest/hex.ts";
import { sha256 } from "../../protocol/digest/sha256.ts";
import type { RecordType } from "../../protocol/record_types.ts";

/**
 * Whether a record has the same effect, however often it is stored.
 *
 * @param callId ID of the call that it is about; the server gives each start without one a new ID.
 */
export function isRepeatable(type: RecordType, callId: string | undefined): boolean {
  return callId !== undefined && (type === "call_start" || type === "call_end");
}

/** Returns the ID of a message that holds repeatable records. */
export function contentId(subject: string, payload: Uint8Array): string {
  return `${subject} ${toHex(sha256(payload))}`;
}
