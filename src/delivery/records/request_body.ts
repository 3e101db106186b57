/**
 * Joins pieces of bytes to request bodies.
 * @module
 */

const encoder = new TextEncoder();
const BATCH_START = encoder.encode('{"batch":[');
const BATCH_END = encoder.encode("]}");
const COMMA = 44;

/** Builds `{"batch":[a,b,…]}`; each item is given as the pieces of its text. */
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

/** Returns `batch`, a body built by {@linkcode batchBody}, with additional items. */
export function extendedBatch(
  batch: Uint8Array<ArrayBuffer>,
  items: readonly (readonly Uint8Array[])[],
): Uint8Array<ArrayBuffer> {
  const tail = batchBody(items).subarray(BATCH_START.length);
  const front = batch.length - BATCH_END.length;
  const body = new Uint8Array(front + 1 + tail.length);
  body.set(batch.subarray(0, front));
  body[front] = COMMA;
  body.set(tail, front + 1);
  return body;
}

/** Joins pieces of bytes. */
export function joinedBytes(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    body.set(piece, at);
    at += piece.length;
  }
  return body;
}

/** Returns the UTF-8 bytes of a constant. */
export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}

/**
 * Bytes of a page; the positions of two buffers within their pages determine the speed of a copy.
 */
const PAGE = 4_096;

/**
 * Returns a buffer of `length` bytes: part of `spare` if that is large enough.
 * @param like Position within its page of the bytes that will be copied to the front. A copy to a
 * position just after it, modulo the page size, takes 13 times as long (4K aliasing: each load
 * waits for a store whose address only looks the same), so the buffer begins half a page away.
 */
export function sized(
  spare: Uint8Array<ArrayBuffer>,
  length: number,
  like = 0,
): Uint8Array<ArrayBuffer> {
  const start = (like + PAGE / 2) % PAGE;
  const whole = spare.length >= length + PAGE ? spare : new Uint8Array(length + PAGE);
  return whole.subarray(start, start + length);
}

/** Reuses the buffers of acknowledged bodies. */
export class BufferPool {
  readonly #spare: ArrayBuffer[] = [];

  /** Returns a buffer to fill; an empty one if there is none. */
  take(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#spare.pop() ?? new ArrayBuffer(0));
  }

  /** Returns the buffer of a body that is no longer in use to the pool. */
  give(body: Uint8Array<ArrayBuffer> | null): void {
    if (body !== null && this.#spare.length < MAX_SPARE) this.#spare.push(body.buffer);
  }
}

/** Maximum number of bodies in flight or being built. */
const MAX_SPARE = 3;
