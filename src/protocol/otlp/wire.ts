/**
 * Reads and writes the protobuf wire format, as far as OTLP needs it: tags, varints, fixed-size and
 * length-delimited fields.
 *
 * @module
 */

import { toHex } from "../digest/hex.ts";

/** One field of a message. */
export interface WireField {
  readonly number: number;
  /** 0: varint, 1: 64 bits, 2: length-delimited, 5: 32 bits. */
  readonly wireType: number;
  /** The value of a varint, or the eight or four bytes as a number; 0n if length-delimited. */
  readonly value: bigint;
  /** The contents of a length-delimited field. */
  readonly bytes: Uint8Array;
}

const NOTHING: Uint8Array = new Uint8Array(0);
const decoder = new TextDecoder();

/**
 * Lists the fields of a message.
 *
 * @throws {RangeError} If the bytes are not a message.
 *
 * @example
 * ```ts
 * const [field] = wireFields(Uint8Array.of(0x08, 0x96, 0x01));
 * if (field.number !== 1 || field.value !== 150n) throw new Error(`${field.value}`);
 * ```
 */
export function* wireFields(message: Uint8Array): Generator<WireField> {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (at >= message.length) break;
      const byte = message[at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new RangeError(`Cannot read a varint at byte: ${at}`);
  };
  while (at < message.length) {
    const tag = varint();
    const number = Number(tag >> 3n);
    const wireType = Number(tag & 7n);
    if (number === 0) throw new RangeError(`Cannot read a tag at byte: ${at}`);
    let value = 0n;
    let bytes = NOTHING;
    if (wireType === 0) value = varint();
    else {
      const length = wireType === 1
        ? 8
        : wireType === 5
        ? 4
        : wireType === 2
        ? Number(varint())
        : NaN;
      if (!(at + length <= message.length)) throw new RangeError(`Cannot read a field at: ${at}`);
      if (wireType === 1) value = view.getBigUint64(at, true);
      else if (wireType === 5) value = BigInt(view.getUint32(at, true));
      else bytes = message.subarray(at, at + length);
      at += length;
    }
    yield { number, wireType, value, bytes };
  }
}

/** Returns the text of a length-delimited field. */
export function wireText({ bytes }: WireField): string {
  return decoder.decode(bytes);
}

/** Returns the bytes of a field as hex digits, as trace and span IDs are written. */
export function wireHex({ bytes }: WireField): string {
  return toHex(bytes);
}

/** Encodes a length-delimited field. */
export function delimited(number: number, contents: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = [...varintBytes(number * 8 + 2), ...varintBytes(contents.length)];
  const field = new Uint8Array(head.length + contents.length);
  field.set(head);
  field.set(contents, head.length);
  return field;
}

/** Encodes a varint field. */
export function varintField(number: number, value: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([...varintBytes(number * 8), ...varintBytes(value)]);
}

/** Encodes a field of eight bytes. */
export function fixed64(number: number, value: bigint): Uint8Array<ArrayBuffer> {
  const field = new Uint8Array(9);
  field[0] = number * 8 + 1;
  new DataView(field.buffer).setBigUint64(1, value, true);
  return field;
}

/** Concatenates messages, which yields a message with the repeated fields of all. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function varintBytes(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push(value % 0x80 | 0x80);
  bytes.push(value);
  return bytes;
}
