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

/** `batch`, a body that {@linkcode batchBody} made, with further items. */
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

/** The UTF-8 bytes of a constant. */
export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Bytes of a page; the places of two buffers in their pages decide how fast one is copied. */
const PAGE = 4_096;

/**
 * `length` bytes to fill: a part of `spare` where that is large enough.
 *
 * @param like The place in its page of the bytes that will be copied to the front. A copy to a place
 *   just behind that, modulo a page, takes 13 times as long (each load waits for a store that only
 *   looks like the same address), so the part begins half a page away.
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

/** Buffers of bodies that were answered, to be filled again instead of made again. */
export class BufferPool {
  readonly #spare: ArrayBuffer[] = [];

  /** A buffer to fill; an empty one when there is none. */
  take(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#spare.pop() ?? new ArrayBuffer(0));
  }

  /** Gives back the buffer of a body that nobody reads any more. */
  give(body: Uint8Array<ArrayBuffer> | null): void {
    if (body !== null && this.#spare.length < MAX_SPARE) this.#spare.push(body.buffer);
  }
}

/** As many as are on their way or being made at once. */
const MAX_SPARE = 3;
