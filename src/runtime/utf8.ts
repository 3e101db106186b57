/**
 * Encodes text as UTF-8 without allocating a buffer for each record.
 *
 * @module
 */

/** Encoded text: the first `length` bytes of `bytes`. */
export interface Encoded {
  readonly bytes: Uint8Array;
  readonly length: number;
}

/** Size of the reused buffer. A UTF-16 unit takes up to three bytes, so it holds 21,845 of them. */
const SCRATCH_BYTES = 64 * 1024;

const encoder = new TextEncoder();
let scratch: Uint8Array | undefined;

/**
 * Encodes `text` as UTF-8; a lone surrogate becomes U+FFFD. Valid until the next call, because
 * short texts share one buffer. Returns a length, because creating a view costs more than encoding.
 */
export function encodeText(text: string): Encoded {
  if (text.length * 3 > SCRATCH_BYTES) {
    const bytes = encoder.encode(text);
    return { bytes, length: bytes.length };
  }
  scratch ??= new Uint8Array(SCRATCH_BYTES);
  return { bytes: scratch, length: encoder.encodeInto(text, scratch).written };
}
