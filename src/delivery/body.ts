/**
 * Joins pieces of bytes into request bodies.
 *
 * @module
 */

const encoder = new TextEncoder();
const BATCH_START = encoder.encode('{"batch":[');
const BATCH_END = encoder.encode("]}");
const COMMA = 44;

/** `{"batch":[a,b,…]}`, where each item is given as the pieces of its text. */
export function batchBody(items: readonly (readonly Uint8Array[])[]): Uint8Array<ArrayBuffer> {
  let size = BATCH_START.length + BATCH_END.length + Math.max(0, items.length - 1);
  for (const pieces of items) {
    for (const piece of pieces) size += piece.length;
  }
  const body = new Uint8Array(size);
  body.set(BATCH_START);
  let at = BATCH_START.length;
  for (let i = 0; i < items.length; i++) {
    if (i > 0) body[at++] = COMMA;
    for (const piece of items[i]) {
      body.set(piece, at);
      at += piece.length;
    }
  }
  body.set(BATCH_END, at);
  return body;
}

/** The UTF-8 bytes of a constant. */
export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}
