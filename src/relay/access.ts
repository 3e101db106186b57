/**
 * Who may use a relay: everybody on this machine's own address, elsewhere who shows a token.
 *
 * @module
 */

import { isLoopback } from "../client/settings/urls.ts";
import { sha256 } from "../protocol/digest/sha256.ts";

/** Characters that a token has at least. */
export const MIN_TOKEN_LENGTH = 16;

/** Whether an address to listen on can be reached from this machine only. */
export function isLocalAddress(hostname: string): boolean {
  return isLoopback(hostname.includes(":") ? `[${hostname}]` : hostname);
}

/**
 * The tokens in a file: one a line; empty lines and lines that begin with `#` are ignored.
 *
 * @throws {TypeError} when there is none, or one is too short to be a secret. The message does not
 *   quote it.
 */
export function readTokens(text: string): string[] {
  const tokens = text.split(/\r?\n/).map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (tokens.length === 0) throw new TypeError("it contains no token");
  if (tokens.some(({ length }) => length < MIN_TOKEN_LENGTH)) {
    throw new TypeError(`a token has fewer than ${MIN_TOKEN_LENGTH} characters`);
  }
  return tokens;
}

/** Checks the senders of requests. */
export class Access {
  readonly #digests: ReadonlySet<string> | null;

  /** @param tokens The tokens that are accepted; `null` accepts every request. */
  constructor(tokens: readonly string[] | null) {
    this.#digests = tokens && new Set(tokens.map(digest));
  }

  /**
   * Whether a request comes from a program on this machine, where no token is needed. A page that a
   * browser loaded from elsewhere could use the relay's key: by its own name for this machine (DNS
   * rebinding), or with a write, whose response it need not read.
   */
  isOwn(request: Request): boolean {
    if (this.#digests !== null) return true;
    const origin = request.headers.get("origin");
    return isLocalUrl(request.url) && (origin === null || isLocalUrl(origin));
  }

  /**
   * Whether a request may be processed. Its token may be where SDKs and exporters put an API key:
   * `Authorization: Basic` (as password) or `Bearer`, or `wandb-api-key`.
   */
  allows(headers: Headers): boolean {
    if (this.#digests === null) return true;
    // Digests are compared, not tokens: how long it takes says nothing about them.
    return tokensIn(headers).some((token) => this.#digests!.has(digest(token)));
  }
}

function isLocalUrl(url: string): boolean {
  try {
    return isLoopback(new URL(url).hostname);
  } catch {
    // The origin of a page without one is "null".
    return false;
  }
}

function tokensIn(headers: Headers): string[] {
  const found: string[] = [];
  const named = headers.get("wandb-api-key");
  if (named !== null) found.push(named);
  const [, scheme, value] = /^(Basic|Bearer) +(\S+)$/i.exec(headers.get("authorization") ?? "") ??
    [];
  if (value === undefined) return found;
  if (scheme.toLowerCase() === "bearer") found.push(value);
  else {
    try {
      found.push(atob(value).replace(/^[^:]*:/, ""));
    } catch {
      // Not Base64, and so no token.
    }
  }
  return found;
}

function digest(token: string): string {
  return sha256(new TextEncoder().encode(token)).join();
}
