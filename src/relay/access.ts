/**
 * Access control of a relay: programs on this machine need no token if it only listens locally, all
 * others do.
 *
 * @module
 */

import { isLoopback } from "../client/settings/urls.ts";
import { sha256 } from "../protocol/digest/sha256.ts";

/** Minimum length of a token. */
const MIN_TOKEN_LENGTH = 16;

/** Returns whether an address to listen on is reachable only from this machine. */
export function isLocalAddress(hostname: string): boolean {
  return isLoopback(hostname.includes(":") ? `[${hostname}]` : hostname);
}

/**
 * Parses the tokens in a file: one per line; empty lines and lines that begin with `#` are ignored.
 *
 * @throws {TypeError} If there is none, or one is too short to be a secret. The message does not
 * quote it.
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

/** Authorizes callers. */
export class Access {
  readonly #digests: ReadonlySet<string> | null;

  /** @param tokens The accepted tokens; `null` accepts every request. */
  constructor(tokens: readonly string[] | null) {
    this.#digests = tokens && new Set(tokens.map(digest));
  }

  /**
   * Returns whether a request comes from a program on this machine, if no tokens are required.
   * Without this check, a page loaded from elsewhere in a browser could use the relay's key: with
   * its own name for this machine (DNS rebinding), or with a write, whose response it need not
   * read.
   */
  isOwn(request: Request): boolean {
    if (this.#digests !== null) return true;
    const origin = request.headers.get("origin");
    return isLocalUrl(request.url) && (origin === null || isLocalUrl(origin));
  }

  /**
   * Returns whether a request is authorized. The token may be where SDKs and exporters put an API
   * key: `Authorization: Basic` (as password) or `Bearer`, or `wandb-api-key`.
   */
  allows(headers: Headers): boolean {
    if (this.#digests === null) return true;
    // Comparing digests instead of tokens reveals nothing about the tokens by its duration.
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
      // Not Base64, and therefore not a token.
    }
  }
  return found;
}

function digest(token: string): string {
  return sha256(new TextEncoder().encode(token)).join();
}
