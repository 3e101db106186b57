/**
 * The body of `/call/upsert_batch` out of a batch, in its own place or in one copy.
 *
 * A record and the element that it becomes differ in a few bytes at the front, and the element is
 * the shorter one: the fronts are overwritten, and spaces, which JSON allows between tokens, fill
 * what is left over.
 *
 * @module
 */

import { BytePattern, viewOf } from "../../bytes/byte_pattern.ts";
import { RECORD_TYPES } from "../../protocol/record_types.ts";
import { RECORD_PREFIX } from "../../wal/record/record.ts";
import type { RecordBatch } from "../../wal/record/record_batch.ts";
import { bytesOf, sized } from "../records/request_body.ts";
import { emptyHead, readHead } from "./call_fields.ts";

const HEAD = bytesOf('{"batch":[');
const SPACE = 32, COMMA = 44, CLOSE_BRACKET = 93, CLOSE_BRACE = 125;
const CALL_START = RECORD_TYPES.indexOf("call_start");
const CALL_END = RECORD_TYPES.indexOf("call_end");
const START_FRONT = front("start", RECORD_PREFIX.call_start.length);
const END_FRONT = front("end", RECORD_PREFIX.call_end.length);
/** One byte shorter. */
const LAST_START_FRONT = front("start", RECORD_PREFIX.call_start.length - 1);
const LAST_END_FRONT = front("end", RECORD_PREFIX.call_end.length - 1);

/** `{"mode":"<mode>",  "req":`, in that many bytes. */
function front(mode: string, length: number): BytePattern {
  const opening = `{"mode":"${mode}",`;
  return new BytePattern(opening + '"req":'.padStart(length - opening.length));
}

/**
 * Whether {@linkcode upsertBodyInPlace} may be used: nobody else needs what the batch's buffer holds
 * there, and the lines can be read again should the body not be taken.
 */
export function canOverwrite(batch: RecordBatch): boolean {
  return batch.restore !== null && batch.room >= HEAD.length && batch.canonical &&
    batch.hasOnly(CALLS);
}

const CALLS = ["call_start", "call_end"] as const;

/**
 * The batch of all records in `batch`, whose lines become the body. The batch has to be restored
 * before its lines are looked at again.
 *
 * @returns `null` when a call is not laid out as this package writes it; the lines are spoilt even so.
 */
export function upsertBodyInPlace(batch: RecordBatch): Uint8Array<ArrayBuffer> | null {
  const { bytes, count, codes, lineStarts, lineEnds, starts } = batch;
  if (!writeElements(batch, bytes, 0)) return null;
  const last = count - 1;
  const from = lineStarts[0] - HEAD.length, to = lineEnds[last];
  bytes.set(HEAD, from);
  // The batch ends with two bytes, and behind the last line is only its newline.
  bytes.copyWithin(starts[last] - 1, starts[last], to);
  const pattern = codes[last] === CALL_START ? LAST_START_FRONT : LAST_END_FRONT;
  pattern.writeTo(viewOf(bytes), starts[last] - 1 - pattern.length);
  bytes[to - 1] = CLOSE_BRACKET;
  bytes[to] = CLOSE_BRACE;
  return bytes.subarray(from, to + 1);
}

/**
 * The batch of all calls in `batch`, which must have one; other records are left out.
 *
 * @param spare A buffer to build it in, if it is large enough.
 * @returns `null` when a call is not laid out as this package writes it.
 */
export function upsertBody(
  batch: RecordBatch,
  spare: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> | null {
  if (!batch.canonical) return null;
  const { bytes, count, lineStarts, lineEnds } = batch;
  const from = lineStarts[0], to = lineEnds[count - 1];
  const body = sized(spare, HEAD.length + (to - from) + 2, bytes.byteOffset + from);
  body.set(HEAD);
  body.set(bytes.subarray(from, to), HEAD.length);
  if (!writeElements(batch, body, HEAD.length - from)) return null;
  body[body.length - 2] = CLOSE_BRACKET;
  body[body.length - 1] = CLOSE_BRACE;
  return body;
}

/**
 * Makes elements of the lines of `batch`, which are `shift` bytes further in `body`, with commas
 * in between, and spaces in the place of all else.
 *
 * @returns `false` when a call is not laid out as this package writes it.
 */
function writeElements(batch: RecordBatch, body: Uint8Array<ArrayBuffer>, shift: number): boolean {
  const { count, codes, lineStarts, lineEnds, starts, ends } = batch;
  const view = viewOf(body);
  const head = emptyHead();
  let behind = lineStarts[0];
  let first = true;
  for (let index = 0; index < count; index++) {
    const code = codes[index];
    if (code !== CALL_START && code !== CALL_END) continue;
    const pattern = code === CALL_START ? START_FRONT : END_FRONT;
    // Not where the line begins: a byte order mark may precede it.
    const elementStart = starts[index] - pattern.length;
    if (elementStart > behind) fillSpace(body, behind + shift, elementStart + shift);
    behind = lineEnds[index];
    pattern.writeTo(view, elementStart + shift);
    if (code === CALL_END) {
      if (!readHead(body, starts[index] + shift, ends[index] + shift, true, head)) return false;
      if (head.behindStartedAt !== -1) fillSpace(body, head.behindId, head.behindStartedAt);
    }
    if (!first) body[elementStart + shift - 1] = COMMA;
    first = false;
  }
  fillSpace(body, behind + shift, lineEnds[count - 1] + shift);
  return true;
}

function fillSpace(body: Uint8Array, from: number, to: number): void {
  if (to - from === 1) body[from] = SPACE;
  else body.fill(SPACE, from, to);
}
