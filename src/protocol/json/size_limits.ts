/**
 * Limits on what one value may cost, and the descriptions that are recorded in place of what is over
 * them. A description is made without reading what it describes, so that it takes no longer for
 * gigabytes than for bytes.
 *
 * @module
 */

import { bytesDigest } from "../digest/digest.ts";

/**
 * Characters of JSON text that one value may take: what fits a request of the server (31 MiB). Text
 * and bytes that no longer fit are described, further items are left out.
 */
export const MAX_VALUE_CHARS: number = 30 * 1024 * 1024;

/**
 * Characters of JSON text that the inputs and the output of a traced call may take each. The server
 * keeps 3.5 MiB of a call.
 */
export const MAX_CALL_VALUE_CHARS: number = 8 * 1024 * 1024;

/** Characters that a number counts for before it is encoded. */
export const NUMBER_CHARS = 8;

/** Bytes at each end of binary data that its digest covers. */
export const SAMPLE_BYTES: number = 32 * 1024;

/** Bits above which a BigInt is described: its digits take quadratic time. */
export const MAX_BIGINT_BITS = 65_536;

const BIGINT_LIMIT = 1n << BigInt(MAX_BIGINT_BITS);

const OMITTED = "over the size limit";

/** Recorded in place of binary data over the limit. */
export interface BinaryDescription {
  /** Its type, such as `Float32Array`. */
  readonly _type: string;
  readonly bytes: number;
  /** Digest of its first and its last {@linkcode SAMPLE_BYTES} bytes, one after the other. */
  readonly sample_digest: string;
  readonly omitted: string;
}

/** Describes binary data that is over the limit; reads {@linkcode SAMPLE_BYTES} at each end. */
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
 * The JSON text that describes a string that is over the limit. It has no digest and no excerpt:
 * engines keep long strings in pieces, and looking at one character joins them all.
 */
export function describeText(text: string): string {
  return `{"_type":"string","length":${text.length},"omitted":"${OMITTED}"}`;
}

/** The decimal digits of a BigInt, or what is recorded of one that has too many. */
export function bigintText(value: bigint): string {
  return value < BIGINT_LIMIT && value > -BIGINT_LIMIT
    ? String(value)
    : `<bigint of more than ${MAX_BIGINT_BITS} bits>`;
}
