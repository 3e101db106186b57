/**
 * IDs of messages: the engine stores messages with the same ID once, within two minutes.
 *
 * A message that holds nothing but starts and ends of calls has an ID that is made of what it holds.
 * A caller who got no response sends its request again, perhaps to another relay, and the first
 * attempt may reach the stream later, behind the end of the call: it is stored once all the same.
 * Other records may be written twice on purpose, such as a version of an object that is the latest
 * again; their messages have the writer's own IDs.
 *
 * @module
 */

import type { RecordType } from "../protocol/record_types.ts";

/** Whether a record has the same effect, however often it is stored. */
export function isRepeatable(type: RecordType): boolean {
  return type === "call_start" || type === "call_end";
}

/**
 * The ID of a message that holds repeatable records.
 *
 * @param subject Subject of the message.
 * @param callId ID of its first call: messages of different calls have different IDs, whatever they
 *   hash to.
 */
export function contentId(subject: string, callId: string, payload: Uint8Array): string {
  let a = 0xdeadbeef, b = 0x41c6ce57;
  for (const byte of payload) {
    a = Math.imul(a ^ byte, 0x85ebca6b);
    b = Math.imul(b ^ byte, 0xc2b2ae35);
    a ^= a >>> 15;
    b ^= b >>> 13;
  }
  const hash = [a, b].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
  return `${subject} ${callId} ${payload.length} ${hash}`;
}
