/**
 * Reads the body of a response up to a limit, even if it is compressed: an endless body must not
 * exhaust the program's memory.
 * @module
 */

import type { FetchResponse } from "../../runtime/runtime.ts";

/** Thrown if a response exceeds the reader's limit. */
export class OversizeError extends Error {
  override readonly name = "OversizeError";

  /** @param maxBytes The limit, after decompression. */
  constructor(readonly maxBytes: number) {
    super(`The response is longer than ${maxBytes} bytes`);
  }
}

/**
 * Reads a body as text.
 * @param maxBytes Maximum number of bytes, after decompression.
 * @throws {OversizeError} if it is longer; the rest is not read.
 */
export async function readText(response: FetchResponse, maxBytes: number): Promise<string> {
  if (isShort(response, maxBytes)) return await response.text();
  return new TextDecoder().decode(await readStream(response, maxBytes));
}

/**
 * Reads a body as bytes.
 * @param maxBytes Maximum number of bytes, after decompression.
 * @throws {OversizeError} if it is longer; the rest is not read.
 */
export async function readBytes(
  response: FetchResponse,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (isShort(response, maxBytes)) return new Uint8Array(await response.arrayBuffer());
  return await readStream(response, maxBytes);
}

/**
 * Returns whether the runtime's own method reads no more than the limit. A test's `fetch` has no
 * stream.
 */
function isShort({ headers, body }: FetchResponse, maxBytes: number): boolean {
  if (!body) return true;
  const length = headers.get("Content-Length");
  return length !== null && headers.get("Content-Encoding") === null && Number(length) <= maxBytes;
}

async function readStream(
  response: FetchResponse,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = response.body!.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > maxBytes) {
      reader.cancel().catch(() => {});
      throw new OversizeError(maxBytes);
    }
    chunks.push(value);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
