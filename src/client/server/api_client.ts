/**
 * Reads from the server: a single attempt with a timeout, and descriptive errors.
 *
 * @module
 */

import { onAbort } from "../../delivery/async/on_abort.ts";
import { redactor } from "../../delivery/http/redact.ts";
import { OversizeError, readBytes, readText } from "../../delivery/http/response_body.ts";
import { basicAuth } from "../../delivery/http/transport.ts";
import { WeaveWalError } from "../../errors.ts";
import type { Clock, FetchResponse, OwnFetch } from "../../runtime/runtime.ts";

/** Dependencies of an {@linkcode ApiClient}. */
export interface ApiClientOptions {
  readonly fetch: OwnFetch;
  readonly clock: Clock;
  /** Base URL, without a trailing slash. */
  readonly url: string;
  readonly apiKey: string | undefined;
  /** Ms without received data after which a read times out. */
  readonly timeoutMs: number;
}

/** Maximum bytes of a response in memory, and of one line of a longer response. */
const MAX_BYTES = 128 * 1024 * 1024;
/** Maximum bytes of an error response. */
const MAX_ERROR_BYTES = 1024 * 1024;

/** Reads from one server. */
export class ApiClient {
  readonly #options: ApiClientOptions;
  readonly #redact: (text: string) => string;
  readonly #open = new Set<AbortController>();

  constructor(options: ApiClientOptions) {
    this.#options = options;
    this.#redact = redactor(options.apiKey);
  }

  /**
   * Posts a JSON body, or sends a GET request if there is none, and parses the JSON response.
   *
   * @param timeoutMs A shorter timeout than the default.
   * @throws {WeaveWalError} `ERR_REQUEST_FAILED`; `status` is that of the response, if there was
   * one.
   */
  async json(path: string, body?: unknown, timeoutMs?: number): Promise<unknown> {
    const text = new TextDecoder().decode(await this.bytes(path, body, timeoutMs));
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw failed(path, "the answer is not JSON", { cause });
    }
  }

  /** Same as {@linkcode ApiClient.json}, for a response of any kind. */
  async bytes(
    path: string,
    body?: unknown,
    timeoutMs: number = this.#options.timeoutMs,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const limitMs = Math.min(timeoutMs, this.#options.timeoutMs);
    const controller = new AbortController();
    this.#open.add(controller);
    const timer = this.#limit(controller, limitMs);
    try {
      const response = await this.#fetch(path, body, controller);
      return await readBytes(response, MAX_BYTES);
    } catch (error) {
      throw this.#explain(path, error, controller, limitMs);
    } finally {
      timer.cancel();
      this.#open.delete(controller);
    }
  }

  /** Reads a response with one JSON value per line, as it arrives. */
  async *lines(path: string, body: unknown): AsyncGenerator<unknown> {
    const controller = new AbortController();
    this.#open.add(controller);
    let timer = this.#limit(controller);
    try {
      const response = await this.#fetch(path, body, controller);
      if (!response.body) return;
      const decoder = new TextDecoder();
      let rest = "", size = 0;
      for await (const chunk of response.body) {
        timer.cancel();
        timer = this.#limit(controller);
        size += chunk.length;
        if (size > MAX_BYTES) throw new OversizeError(MAX_BYTES);
        const text = decoder.decode(chunk, { stream: true });
        if (!text.includes("\n")) {
          rest += text;
          continue;
        }
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        size = rest.length;
        for (const line of lines) if (line.trim() !== "") yield JSON.parse(line);
      }
      rest += decoder.decode();
      if (rest.trim() !== "") yield JSON.parse(rest);
    } catch (error) {
      throw this.#explain(path, error, controller);
    } finally {
      timer.cancel();
      this.#open.delete(controller);
      // A reader that stops early leaves the rest of the response unread.
      controller.abort();
    }
  }

  /** Base URL of the server, without a trailing slash. */
  get url(): string {
    return this.#options.url;
  }

  /**
   * Sends a request unchanged, with the key, and returns the response, even an error response.
   *
   * @throws {WeaveWalError} `ERR_REQUEST_FAILED` if there is no response.
   */
  async response(
    path: string,
    init: RequestInit & { signal: AbortSignal | null },
  ): Promise<Response> {
    const { fetch, url, apiKey } = this.#options;
    const controller = new AbortController();
    const forget = init.signal ? onAbort(init.signal, () => controller.abort()) : () => {};
    this.#open.add(controller);
    const timer = this.#limit(controller);
    try {
      init.signal?.throwIfAborted();
      const headers = new Headers(init.headers);
      if (apiKey !== undefined) headers.set("Authorization", basicAuth(apiKey));
      const { signal } = controller;
      const response = await fetch(url + path, { ...init, headers, signal, redirect: "manual" });
      const { ok, status, statusText } = response;
      // The runtime's own response has no length limit, and an error may repeat the key.
      const bytes = await readBytes(response, ok ? MAX_BYTES : MAX_ERROR_BYTES);
      const body = ok ? bytes : this.#redact(new TextDecoder().decode(bytes));
      const answer = { status, statusText, headers: new Headers([...response.headers]) };
      answer.headers.delete("content-encoding");
      return new Response([204, 205, 304].includes(status) ? null : body, answer);
    } catch (error) {
      init.signal?.throwIfAborted();
      throw this.#explain(path, error, controller);
    } finally {
      forget();
      timer.cancel();
      this.#open.delete(controller);
    }
  }

  /** Aborts all requests in progress. */
  close(): void {
    for (const controller of this.#open) controller.abort();
  }

  #limit(
    controller: AbortController,
    ms: number = this.#options.timeoutMs,
  ): { cancel(): void } {
    return this.#options.clock.after(ms, () => controller.abort());
  }

  async #fetch(path: string, body: unknown, controller: AbortController): Promise<FetchResponse> {
    const { fetch, url, apiKey } = this.#options;
    const headers: Record<string, string> = {};
    if (apiKey !== undefined) headers.Authorization = basicAuth(apiKey);
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const response = await fetch(url + path, {
      method: body === undefined ? "GET" : "POST",
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: controller.signal,
      // Following a redirect would send the key to another host.
      redirect: "manual",
    });
    if (response.ok) return response;
    const { status } = response;
    const text = await readText(response, MAX_ERROR_BYTES).catch(() => "");
    controller.abort();
    throw failed(path, `HTTP ${status}${reasonOf(this.#redact(text))}`, { status });
  }

  #explain(
    path: string,
    error: unknown,
    controller: AbortController,
    limitMs: number = this.#options.timeoutMs,
  ): WeaveWalError {
    if (error instanceof WeaveWalError) return error;
    if (error instanceof OversizeError) {
      controller.abort();
      const { maxBytes } = error;
      return failed(path, `the response is longer than ${maxBytes} bytes`, { cause: error });
    }
    if (controller.signal.aborted) {
      return failed(path, `no whole answer within ${limitMs} ms`, { cause: error });
    }
    const { name, code, cause } = (error ?? {}) as {
      name?: string;
      code?: string;
      cause?: unknown;
    };
    const inner = (cause as { code?: string } | undefined)?.code ?? code;
    const what = [name ?? "Error", inner].filter((part) => part !== undefined).join(" ");
    return failed(path, `${what} at ${this.#options.url}`, { cause: error });
  }
}

function failed(
  path: string,
  why: string,
  options: { cause?: unknown; status?: number },
): WeaveWalError {
  return new WeaveWalError("ERR_REQUEST_FAILED", `Cannot read ${path}: ${why}`, options);
}

function reasonOf(text: string): string {
  try {
    const body = JSON.parse(text) as Record<string, unknown>;
    const reason = body.reason ?? body.detail ?? body.message ?? body.error;
    return reason === undefined ? "" : `: ${String(reason).slice(0, 500)}`;
  } catch {
    return "";
  }
}
