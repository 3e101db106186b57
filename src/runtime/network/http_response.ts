/**
 * A response received with `node:http`.
 *
 * Does not use the runtime's `Response`: for that class, Node loads its whole `fetch`, which takes
 * as long as sending a small log.
 *
 * @module
 */

import type { IncomingMessage } from "node:http";
import type { FetchResponse } from "../runtime.ts";

/** Statuses whose responses have no body. */
const WITHOUT_BODY = [101, 204, 205, 304];
const DECODERS = /^(?:x-)?(gzip|deflate)$/i;

type Stream = ReadableStream<Uint8Array<ArrayBuffer>>;

/** A response whose body is read once: as a stream, text or bytes. */
export class HttpResponse implements FetchResponse {
  readonly status: number;
  readonly statusText: string;
  readonly headers: HttpHeaders;
  readonly body: Stream | null;

  /** Starts reading the body of `message`. */
  constructor(message: IncomingMessage) {
    const { statusCode: status = 0, statusMessage: statusText = "", rawHeaders } = message;
    this.status = status;
    this.statusText = statusText;
    this.headers = new HttpHeaders(rawHeaders);
    if (WITHOUT_BODY.includes(status)) {
      message.resume();
      this.body = null;
      return;
    }
    const encoding = this.headers.get("content-encoding") ?? "";
    const decoder = DECODERS.exec(encoding)?.[1]?.toLowerCase();
    if (decoder === undefined) {
      this.body = toStream(message);
      return;
    }
    this.body = toStream(message)
      .pipeThrough(new DecompressionStream(decoder as CompressionFormat));
    this.headers.delete("content-encoding");
    this.headers.delete("content-length");
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(await this.arrayBuffer());
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of this.body ?? []) {
      chunks.push(chunk);
      size += chunk.length;
    }
    const bytes = new Uint8Array(size);
    let at = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes.buffer;
  }
}

/** Headers of a response, by lower-case name. */
class HttpHeaders implements Iterable<[string, string]> {
  readonly #values = new Map<string, string>();

  /** @param raw Alternating names and values. */
  constructor(raw: readonly string[]) {
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const name = raw[i]!.toLowerCase();
      const before = this.#values.get(name);
      this.#values.set(name, before === undefined ? raw[i + 1]! : `${before}, ${raw[i + 1]}`);
    }
  }

  get(name: string): string | null {
    return this.#values.get(name.toLowerCase()) ?? null;
  }

  /** @param name The name in lower case. */
  delete(name: string): void {
    this.#values.delete(name);
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.#values.entries();
  }
}

function toStream(message: IncomingMessage): ReadableStream<Uint8Array<ArrayBuffer>> {
  let ended = false;
  return new ReadableStream({
    start(controller) {
      const fail = (error: Error): void => {
        if (ended) return;
        ended = true;
        controller.error(error);
      };
      message.on("data", (chunk: Uint8Array<ArrayBuffer>) => {
        if (ended) return;
        controller.enqueue(new Uint8Array(chunk));
        if ((controller.desiredSize ?? 0) <= 0) message.pause();
      });
      message.on("end", () => {
        if (!message.complete) return fail(new TypeError("The response ended too early"));
        if (ended) return;
        ended = true;
        controller.close();
      });
      message.on("error", fail);
      message.on("close", () => fail(new TypeError("The connection closed during the response")));
    },
    pull: () => void message.resume(),
    cancel() {
      ended = true;
      message.destroy();
    },
  });
}
