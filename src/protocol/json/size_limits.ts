/**
 * Limits on the cost of one value, and the descriptions that replace values over the limit.
 * Building a description does not read the whole value, so that it is as fast for gigabytes as for
 * bytes.
 *
 * @module
 */

import { bytesDigest } from "../digest/digest.ts";

/**
 * Maximum characters of JSON text for one value: what fits into a request (31 MiB). Strings and
 * binary data that no longer fit are described; further items are dropped.
 */
export const MAX_VALUE_CHARS: number = 30 * 1024 * 1024;

/**
 * Maximum characters of JSON text for the inputs, and for the output, of a traced call. The server
 * keeps 3.5 MiB of a call.
 */
export const MAX_CALL_VALUE_CHARS: number = 8 * 1024 * 1024;

/** Characters to reserve for a number before it is encoded. */
export const NUMBER_CHARS = 8;

/** Bytes at each end of binary data that are included in its digest. */
export const SAMPLE_BYTES: number = 32 * 1024;

/** Maximum bits of a BigInt: converting more takes too long, because the time is quadratic. */
export const MAX_BIGINT_BITS = 65_536;

const BIGINT_LIMIT = 1n << BigInt(MAX_BIGINT_BITS);

const OMITTED = "over the size limit";

/** Description recorded in place of binary data over the limit. */
export interface BinaryDescription {
  /** Its type, such as `Float32Array`. */
  readonly _type: string;
  readonly bytes: number;
  /** Digest of the first and last {@linkcode SAMPLE_BYTES} bytes, concatenated. */
  readonly sample_digest: string;
  readonly omitted: string;
}

/** Describes binary data over the limit; reads {@linkcode SAMPLE_BYTES} at each end. */
export function describeBytes(type: string, bytes: Uint8Array): BinaryDescription {
  const sample = new Uint8Array(Math.min(bytes.length, 2 * SAMPLE_BYTES));
  const head = Math.min(bytes.length, SAMPLE_BYTES);
  sample.set(bytes.subarray(0, head));
  sample.set(bytes.subarray(bytes.length - (sample.length - head)), head);
  return {
    _type: type,
    bytes: bytes.length,
    sample_digest: bytesDigest(sample),
    omitted: OMITTED,
  };
}

/**
 * Returns the JSON text that describes a string over the limit. It has no digest or excerpt,
 * because engines store long strings in pieces, and reading one character joins them all.
 */
export function describeText(text: string): string {
  return `{"_type":"string","length":${text.length},"omitted":"${OMITTED}"}`;
}

/** Returns the decimal digits of a BigInt, or a placeholder if it has too many. */
export function bigintText(value: bigint): string {
  return value < BIGINT_LIMIT && value > -BIGINT_LIMIT
    ? String(value)
    : `<bigint of more than ${MAX_BIGINT_BITS} bits>`;
}
