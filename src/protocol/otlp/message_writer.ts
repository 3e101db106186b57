/**
 * Writes messages in the protobuf wire format into one reused buffer.
 *
 * The length of a field precedes its content, so space for it is left by the likely length of the
 * content, which is moved only if that was wrong.
 *
 * @module
 */

/** Size of the first buffer, and of the largest that is kept. */
const FIRST_BYTES = 16 * 1024, KEPT_BYTES = 256 * 1024;
/** Maximum bytes of a tag and a length, or of a tag and a number. */
const HEAD_BYTES = 12;
/** Length up to which a text is written faster by a loop than by the host's encoder. */
const SHORT = 24;
const VARINT = 0, FIXED64 = 1, DELIMITED = 2, FIXED32 = 5;
const encoder = new TextEncoder();

/** Writes fields one after another. Texts are well-formed. */
export class MessageWriter {
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #start = 0;
  #at = 0;

  /** Discards what was written. @param room Bytes that may be put in front. */
  clear(room = 0): void {
    if (this.#bytes.length > KEPT_BYTES) this.#replace(new Uint8Array(FIRST_BYTES));
    this.#at = 0;
    this.#reserve(room);
    this.#start = this.#at = room;
  }

  /** Returns what was written; valid until the next use. */
  written(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#at);
  }

  /** Writes an integer of at most 64 bits; a negative one in two's complement. */
  varint(number: number, value: number): void {
    this.#reserve(HEAD_BYTES);
    this.#tag(number, VARINT);
    if (value >= 0 && value <= 0x7fffffff) this.#at = this.#varintAt(this.#at, value);
    else this.#long(value);
  }

  /** Writes an unsigned integer. */
  fixed32(number: number, value: number): void {
    this.#reserve(HEAD_BYTES);
    this.#tag(number, FIXED32);
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  /** Writes a number with a fraction. */
  double(number: number, value: number): void {
    this.#reserve(HEAD_BYTES);
    this.#tag(number, FIXED64);
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  /** Writes a time as nanoseconds, which are more than a number represents exactly. */
  nanoseconds(number: number, seconds: number, nanos: number): void {
    this.#reserve(HEAD_BYTES);
    this.#tag(number, FIXED64);
    // The products of both halves of the seconds are exact.
    const upper = Math.floor(seconds / 0x10000) * 1e9;
    const lower = (seconds % 0x10000) * 1e9 + nanos;
    const low = (upper % 0x10000) * 0x10000 + lower % 0x100000000;
    const high = Math.floor(upper / 0x10000) + Math.floor(lower / 0x100000000);
    this.#view.setUint32(this.#at, low, true);
    this.#view.setUint32(this.#at + 4, high + (low >= 0x100000000 ? 1 : 0), true);
    this.#at += 8;
  }

  /** Writes bytes, given as hex digits. */
  hex(number: number, digits: string): void {
    const length = digits.length >> 1;
    this.#reserve(HEAD_BYTES + length);
    this.#tag(number, DELIMITED);
    let at = this.#varintAt(this.#at, length);
    for (let i = 0; i < length; i++) {
      this.#bytes[at++] = nibble(digits.charCodeAt(2 * i)) << 4 |
        nibble(digits.charCodeAt(2 * i + 1));
    }
    this.#at = at;
  }

  /** Writes a text. */
  text(number: number, text: string): void {
    const { length } = text;
    const begin = this.open(number, length);
    this.#reserve(length * 3);
    const bytes = this.#bytes;
    let ascii = 0;
    if (length <= SHORT) {
      for (; ascii < length; ascii++) {
        const code = text.charCodeAt(ascii);
        if (code > 0x7f) break;
        bytes[begin + ascii] = code;
      }
    }
    this.#at = begin +
      (ascii === length
        ? length
        : encoder.encodeInto(text, bytes.subarray(begin, begin + length * 3)).written);
    this.close(begin, length);
  }

  /**
   * Begins a field that contains a message.
   *
   * @param likely Its likely length.
   * @returns Where the content begins, for {@linkcode close}.
   */
  open(number: number, likely = 0): number {
    this.#reserve(HEAD_BYTES);
    this.#tag(number, DELIMITED);
    return this.#at += varintLength(likely);
  }

  /** Ends a field. @param likely The same as for {@linkcode open}. */
  close(begin: number, likely = 0): void {
    const length = this.#at - begin;
    const reserved = varintLength(likely);
    const more = varintLength(length) - reserved;
    if (more !== 0) {
      this.#reserve(more);
      this.#bytes.copyWithin(begin + more, begin, this.#at);
      this.#at += more;
    }
    this.#varintAt(begin - reserved, length);
  }

  /** Appends fields that are serialized already. */
  append(fields: Uint8Array): void {
    this.#reserve(fields.length);
    this.#bytes.set(fields, this.#at);
    this.#at += fields.length;
  }

  /** Puts serialized fields in front of all others. */
  prepend(fields: Uint8Array): void {
    this.#bytes.set(fields, this.#start -= fields.length);
  }

  /** Makes one field of everything so far; its number is at most 15. */
  wrap(number: number): void {
    const length = this.#at - this.#start;
    this.#varintAt(this.#start -= varintLength(length), length);
    this.#bytes[--this.#start] = number << 3 | DELIMITED;
  }

  /** @param number At most 2,047. */
  #tag(number: number, wireType: number): void {
    this.#at = this.#varintAt(this.#at, number << 3 | wireType);
  }

  /** @returns The position after it. */
  #varintAt(at: number, value: number): number {
    while (value > 0x7f) {
      this.#bytes[at++] = value & 0x7f | 0x80;
      value >>>= 7;
    }
    this.#bytes[at++] = value;
    return at;
  }

  #long(value: number): void {
    let high = Math.floor(value / 0x100000000);
    let low = value - high * 0x100000000 >>> 0;
    high >>>= 0;
    while (high > 0 || low > 0x7f) {
      this.#bytes[this.#at++] = low & 0x7f | 0x80;
      low = (low >>> 7 | high << 25) >>> 0;
      high >>>= 7;
    }
    this.#bytes[this.#at++] = low;
  }

  #reserve(length: number): void {
    const needed = this.#at + length;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#replace(larger);
  }

  #replace(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

/** Room that {@linkcode MessageWriter.wrap} takes at most. */
export const WRAP_BYTES = 6;

function varintLength(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5;
}

/** Value of a hex digit. */
function nibble(code: number): number {
  return code <= 57 ? code - 48 : (code | 32) - 87;
}
