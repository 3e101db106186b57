/**
 * Base64, with the fastest method that the runtime has.
 *
 * @module
 */

/** Bytes converted at a time, because runtimes limit the number of arguments. A multiple of 3. */
const CHUNK = 8190;

interface Encodable {
  toBase64?: (this: Uint8Array) => string;
}

interface Decoder {
  fromBase64?: (text: string) => Uint8Array<ArrayBuffer>;
}

/** Methods of `Buffer.prototype`, which work on any byte array. */
interface BufferMethods {
  base64Slice?: (this: Uint8Array, start: number, end: number) => string;
  latin1Slice?: (this: Uint8Array, start: number, end: number) => string;
  base64Write?: (this: Uint8Array, text: string, at: number, length: number) => number;
}

const EQUALS = 61;
const decoder = new TextDecoder();

/**
 * Decodes Base64 text with padding.
 *
 * @throws {Error} If it is not Base64.
 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const { fromBase64 } = Uint8Array as unknown as Decoder;
  if (fromBase64 !== undefined) return fromBase64.call(Uint8Array, text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/**
 * Decodes the padded Base64 text `bytes[start, end)` into `target`, from `at` on; the caller ensures that
 * it fits. Takes 0.3 µs for 1,300 characters with `Buffer`, which all runtimes have, where a text
 * that is decoded on its own takes 0.7 to 3.
 *
 * @returns The number of bytes, or -1 if the text has other characters; `target` then contains any
 * bytes from `at` on.
 */
export function decodeBase64(
  bytes: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): number {
  if ((end - start) % 4 !== 0) return -1;
  let last = end;
  while (last > start && end - last < 2 && bytes[last - 1] === EQUALS) last--;
  const length = Math.floor((last - start) * 3 / 4);
  const { latin1Slice, base64Write } = bufferMethods();
  if (latin1Slice !== undefined && base64Write !== undefined) {
    // It skips other characters, which leaves fewer bytes.
    const written = base64Write.call(target, latin1Slice.call(bytes, start, last), at, length);
    return written === length ? length : -1;
  }
  try {
    const decoded = fromBase64(decoder.decode(bytes.subarray(start, end)));
    target.set(decoded, at);
    return decoded.length === length ? length : -1;
  } catch {
    return -1;
  }
}

function bufferMethods(): BufferMethods {
  const { Buffer } = globalThis as { Buffer?: { prototype: BufferMethods } };
  return Buffer?.prototype ?? {};
}

/** Encodes `bytes` as Base64, with padding. */
export function base64(bytes: Uint8Array): string {
  const { toBase64 } = Uint8Array.prototype as unknown as Encodable;
  if (toBase64 !== undefined) return toBase64.call(bytes);
  const { base64Slice } = bufferMethods();
  if (base64Slice !== undefined) return base64Slice.call(bytes, 0, bytes.length);
  let text = "";
  for (let at = 0; at < bytes.length; at += CHUNK) {
    text += btoa(String.fromCharCode(...bytes.subarray(at, at + CHUNK)));
  }
  return text;
}
