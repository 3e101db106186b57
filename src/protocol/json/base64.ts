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

interface BufferSlice {
  from(
    buffer: ArrayBufferLike,
    offset: number,
    length: number,
  ): { toString(encoding: string): string };
}

interface Decoder {
  fromBase64?: (text: string) => Uint8Array<ArrayBuffer>;
}

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

/** Encodes `bytes` as Base64, with padding. */
export function base64(bytes: Uint8Array): string {
  const { toBase64 } = Uint8Array.prototype as unknown as Encodable;
  if (toBase64 !== undefined) return toBase64.call(bytes);
  const { Buffer } = globalThis as { Buffer?: BufferSlice };
  if (Buffer !== undefined) {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
  }
  let text = "";
  for (let at = 0; at < bytes.length; at += CHUNK) {
    text += btoa(String.fromCharCode(...bytes.subarray(at, at + CHUNK)));
  }
  return text;
}
