/**
 * Reads the body of a request within limits: bytes, as sent and after decompression, and time.
 *
 * @module
 */

/** Why a request is refused. */
export class RefusedRequest extends Error {
  override readonly name = "RefusedRequest";
  readonly status: 400 | 401 | 403 | 408 | 413 | 415 | 503;
  /** Seconds after which it may be made again. */
  readonly retryAfter: number | undefined;

  constructor(status: RefusedRequest["status"], reason: string, retryAfter?: number) {
    super(reason);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** Bytes of bodies that are in memory. */
export class BodyBudget {
  readonly #maxBytes: number;
  #used = 0;

  /** @param maxBytes Bytes of all bodies together. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes in memory. */
  get used(): number {
    return this.#used;
  }

  /** @throws {RefusedRequest} when there is no room for `bytes`. */
  take(bytes: number): void {
    if (this.#used + bytes > this.#maxBytes) {
      throw new RefusedRequest(503, "Too many requests in progress", 1);
    }
    this.#used += bytes;
  }

  /** Gives bytes back. */
  release(bytes: number): void {
    this.#used -= bytes;
  }
}

/** Limits of one body. */
export interface BodyLimits {
  /** Bytes, also after decompression. */
  readonly maxBytes: number;
  /** Ms for all of it. */
  readonly timeoutMs: number;
  readonly budget: BodyBudget;
}

/** A body in memory. */
export interface ReadBody {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Gives its bytes back to the budget. */
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
 * @throws {RefusedRequest} 408 after the time limit, 413 over the size limit, 415 for an unknown
 *   encoding, 400 for a body that breaks off or cannot be decompressed, 503 over the budget.
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
      if (isLate) throw new RefusedRequest(408, `No whole request within ${timeoutMs} ms`);
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
