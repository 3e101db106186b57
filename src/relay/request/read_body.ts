/**
 * Reads the body of a request with limits: bytes as sent and after decompression, and time.
 *
 * @module
 */

/** A refused request, with the reason. */
export class RefusedRequest extends Error {
  override readonly name = "RefusedRequest";
  readonly status: 400 | 401 | 403 | 408 | 413 | 415 | 500 | 503;
  /** Seconds after which it may be retried. */
  readonly retryAfter: number | undefined;

  constructor(status: RefusedRequest["status"], reason: string, retryAfter?: number) {
    super(reason);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** Limits the total bytes of bodies in memory. */
export class BodyBudget {
  readonly #maxBytes: number;
  #used = 0;

  /** @param maxBytes Maximum bytes of all bodies together. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes in memory. */
  get used(): number {
    return this.#used;
  }

  /** @throws {RefusedRequest} If there is no room for `bytes`. */
  take(bytes: number): void {
    if (this.#used + bytes > this.#maxBytes) {
      throw new RefusedRequest(503, "Too many requests in progress", 1);
    }
    this.#used += bytes;
  }

  /** Releases bytes. */
  release(bytes: number): void {
    this.#used -= bytes;
  }
}

/** Limits of one body. */
export interface BodyLimits {
  /** Maximum bytes, also after decompression. */
  readonly maxBytes: number;
  /** Timeout in ms for the whole body. */
  readonly timeoutMs: number;
  readonly budget: BodyBudget;
}

/** A body in memory. */
export interface ReadBody {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Releases its bytes. */
  release(): void;
}

const ENCODINGS: Readonly<Record<string, CompressionFormat>> = {
  gzip: "gzip",
  "x-gzip": "gzip",
  deflate: "deflate",
};

/**
 * Reads and decompresses a body.
 *
 * @throws {RefusedRequest} 408 after the timeout, 413 above the size limit, 415 for an unknown
 * encoding, 400 for a body that is incomplete or cannot be decompressed, 503 if the budget is
 * exhausted.
 */
export async function readBody(request: Request, limits: BodyLimits): Promise<ReadBody> {
  const { maxBytes, timeoutMs, budget } = limits;
  const tooLarge = (): RefusedRequest =>
    new RefusedRequest(413, `The request is larger than ${maxBytes} bytes`);
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge();
  let stream: ReadableStream<Uint8Array> | null = request.body;
  if (stream === null) return { bytes: new Uint8Array(0), release() {} };
  const encoding = request.headers.get("content-encoding")?.trim().toLowerCase() ?? "identity";
  if (encoding !== "identity") {
    const format = ENCODINGS[encoding];
    if (format === undefined) throw new RefusedRequest(415, `Unknown encoding: ${encoding}`);
    stream = stream.pipeThrough(
      new DecompressionStream(format) as ReadableWritablePair<Uint8Array, Uint8Array>,
    );
  }
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0, isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    void reader.cancel().catch(() => {});
  }, timeoutMs);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (isLate) {
        throw new RefusedRequest(408, `The request did not arrive within ${timeoutMs} ms`);
      }
      if (done) break;
      if (size + value.length > maxBytes) throw tooLarge();
      budget.take(value.length);
      size += value.length;
      chunks.push(value);
    }
  } catch (error) {
    budget.release(size);
    void reader.cancel().catch(() => {});
    if (error instanceof RefusedRequest) throw error;
    throw new RefusedRequest(400, "Cannot read the request's body");
  } finally {
    clearTimeout(timer);
  }
  let released = false;
  return {
    bytes: joined(chunks, size),
    release() {
      if (!released) budget.release(size);
      released = true;
    },
  };
}

function joined(chunks: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
