/**
 * Distinguishes the official SDK's requests from those of the rest of the program.
 *
 * @module
 */

/** The signature of `fetch`. */
export type Fetch = (input: RequestInfo | URL, init?: RequestInit) => Promise<Response>;

/** A request of the SDK to `fetch`. */
export interface SdkRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly input: RequestInfo | URL;
  readonly init: RequestInit | undefined;
}

/**
 * User agent of the SDK: `W&B Weave JS Client` for the trace server, otherwise `Weave JS Client`.
 */
const USER_AGENT = /\bWeave JS Client\b/;

/**
 * Returns the request if it is one of the SDK's. Fast for all others, because it runs for every
 * `fetch` of the program.
 */
export function sdkRequest(
  input: RequestInfo | URL,
  init: RequestInit | undefined,
): SdkRequest | null {
  const given = init?.headers ?? (input instanceof Request ? input.headers : undefined);
  return given !== undefined && USER_AGENT.test(userAgent(given)) ? readRequest(input, init) : null;
}

/** Same as `sdkRequest`, for a request that is known to be the SDK's. */
export function readRequest(input: RequestInfo | URL, init: RequestInit | undefined): SdkRequest {
  const request = input instanceof Request ? input : undefined;
  return {
    url: request ? request.url : String(input),
    method: (init?.method ?? request?.method ?? "GET").toUpperCase(),
    headers: new Headers(init?.headers ?? request?.headers),
    input,
    init,
  };
}

function userAgent(headers: HeadersInit): string {
  if (headers instanceof Headers) return headers.get("User-Agent") ?? "";
  const entries = Array.isArray(headers) ? headers : Object.entries(headers);
  return entries.find(([name]) => name.toLowerCase() === "user-agent")?.[1] ?? "";
}

/** Returns the API key in a request's headers. */
export function apiKeyIn(headers: Headers): string | undefined {
  const basic = /^Basic (\S+)$/.exec(headers.get("Authorization") ?? "")?.[1];
  if (basic === undefined) return undefined;
  try {
    return atob(basic).replace(/^api:/, "");
  } catch {
    return undefined;
  }
}

/** Returns the request's body as text. */
export async function bodyText({ input, init }: SdkRequest): Promise<string> {
  if (typeof init?.body === "string") return init.body;
  return await bodyOf(input, init).text();
}

/** Returns the request's body as a form. */
export async function bodyForm({ input, init }: SdkRequest): Promise<FormData> {
  return init?.body instanceof FormData ? init.body : await bodyOf(input, init).formData();
}

/** Reads a copy, because the original may still have to be sent. */
function bodyOf(input: RequestInfo | URL, init: RequestInit | undefined): Response | Request {
  if (init?.body == null) return input instanceof Request ? input.clone() : new Response(null);
  // A stream can only be read once.
  if (init.body instanceof ReadableStream) throw new TypeError("Cannot read a stream twice");
  return new Response(init.body);
}
