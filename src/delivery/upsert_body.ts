/**
 * The body of `/call/upsert_batch` out of a window, in one copy.
 *
 * A record and the element that it becomes differ in a few bytes at the front, and the element is
 * the shorter one: the window is copied as it stands, the fronts are overwritten, and spaces, which
 * JSON allows between tokens, fill what is left over.
 *
 * @module
 */

import { BytePattern } from "../runtime/byte_pattern.ts";
import { RECORD_TYPES } from "../weave/record_types.ts";
import { RECORD_PREFIX } from "../wal/record.ts";
import type { Window } from "../wal/window.ts";
import { bytesOf, sized } from "./body.ts";
import { emptyHead, readHead } from "./call_bytes.ts";

const HEAD = bytesOf('{"batch":[');
const SPACE = 32, COMMA = 44, CLOSE_BRACKET = 93, CLOSE_BRACE = 125;
const CALL_START = RECORD_TYPES.indexOf("call_start");
const CALL_END = RECORD_TYPES.indexOf("call_end");
const START_FRONT = front("start", RECORD_PREFIX.call_start);
const END_FRONT = front("end", RECORD_PREFIX.call_end);

/** `{"mode":"<mode>",  "req":`, as long as the record's own front. */
function front(mode: string, prefix: string): BytePattern {
  const opening = `{"mode":"${mode}",`;
  return new BytePattern(opening + '"req":'.padStart(prefix.length - opening.length));
}

/**
 * The batch of all calls in `window`, which must have one; other records are left out.
 *
 * @param spare A buffer to build it in, if it is large enough.
 * @returns `null` when a call is not laid out as this package writes it.
 */
export function upsertBody(
  window: Window,
  spare: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> | null {
  if (!window.canonical) return null;
  const { bytes, count, codes, lineStarts, lineEnds, starts, ends } = window;
  const from = lineStarts[0], to = lineEnds[count - 1];
  const shift = HEAD.length - from;
  const body = sized(spare, HEAD.length + (to - from) + 2, bytes.byteOffset + from);
  body.set(HEAD);
  body.set(bytes.subarray(from, to), HEAD.length);
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const head = emptyHead();
  let behind = from;
  let first = true;
  for (let index = 0; index < count; index++) {
    const lineStart = lineStarts[index], lineEnd = lineEnds[index];
    if (lineStart > behind) fillSpace(body, behind + shift, lineStart + shift);
    behind = lineEnd;
    const code = codes[index];
    if (code !== CALL_START && code !== CALL_END) {
      fillSpace(body, lineStart + shift, lineEnd + shift);
      continue;
    }
    const pattern = code === CALL_START ? START_FRONT : END_FRONT;
    pattern.writeTo(view, lineStart + shift);
    if (code === CALL_END) {
      if (!readHead(bytes, starts[index], ends[index], true, head)) return null;
      if (head.behindStartedAt !== -1) {
        fillSpace(body, head.behindId + shift, head.behindStartedAt + shift);
      }
    }
    if (!first) body[lineStart + shift - 1] = COMMA;
    first = false;
  }
  body[body.length - 2] = CLOSE_BRACKET;
  body[body.length - 1] = CLOSE_BRACE;
  return body;
}

function fillSpace(body: Uint8Array, from: number, to: number): void {
  if (to - from === 1) body[from] = SPACE;
  else body.fill(SPACE, from, to);
}
