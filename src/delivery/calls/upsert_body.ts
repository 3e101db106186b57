/**
 * Builds the body of `/call/upsert_batch` from a batch, in place or in one copy.
 * A record and its batch item differ in a few leading bytes, and the item is shorter: the leading
 * bytes are overwritten, and spaces, which JSON allows between tokens, fill the rest.
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

/** `{"mode":"<mode>",  "req":`, padded to that many bytes. */
function front(mode: string, length: number): BytePattern {
  const opening = `{"mode":"${mode}",`;
  return new BytePattern(opening + '"req":'.padStart(length - opening.length));
}

/**
 * Returns whether {@linkcode upsertBodyInPlace} may be used: the batch's buffer may be overwritten,
 * and the lines can be read again if the body is rejected.
 */
export function canOverwrite(batch: RecordBatch): boolean {
  return batch.restore !== null && batch.room >= HEAD.length && batch.canonical &&
    batch.hasOnly(CALLS);
}

const CALLS = ["call_start", "call_end"] as const;

/**
 * Turns all records of `batch` into the body, in place. The batch must be restored before its lines
 * are used again.
 * @returns `null` if a call has another layout than this package's; the lines may be overwritten
 * even then.
 */
export function upsertBodyInPlace(batch: RecordBatch): Uint8Array<ArrayBuffer> | null {
  const { bytes, count, codes, lineStarts, lineEnds, starts } = batch;
  if (!writeElements(batch, bytes, 0)) return null;
  const last = count - 1;
  const from = lineStarts[0] - HEAD.length, to = lineEnds[last];
  bytes.set(HEAD, from);
  // The body ends with two bytes, but only one byte, its newline, follows the last line.
  bytes.copyWithin(starts[last] - 1, starts[last], to);
  const pattern = codes[last] === CALL_START ? LAST_START_FRONT : LAST_END_FRONT;
  pattern.writeTo(viewOf(bytes), starts[last] - 1 - pattern.length);
  bytes[to - 1] = CLOSE_BRACKET;
  bytes[to] = CLOSE_BRACE;
  return bytes.subarray(from, to + 1);
}

/**
 * Builds the body of all calls in `batch`, which must contain one; other records are omitted.
 * @param spare Buffer for the body, if it is large enough.
 * @returns `null` if a call has another layout than this package's.
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
 * Turns the lines of `batch`, which are `shift` bytes further in `body`, into items separated by
 * commas, and fills everything else with spaces.
 * @returns `false` if a call has another layout than this package's.
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
    // Not the start of the line: a byte order mark may precede the record.
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
