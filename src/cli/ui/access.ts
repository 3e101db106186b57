/**
 * Access control of the page: only browsers on this machine with the token.
 *
 * @module
 */

import type { Context, MiddlewareHandler } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { timingSafeEqual } from "hono/utils/buffer";
import type { Clock } from "../../runtime/runtime.ts";

/**
 * Host names with which a browser on this machine, or behind a forwarded port, may request the
 * page.
 */
const OWN_HOSTS: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "[::1]"]);

/**
 * Headers of every response: only the page's own scripts, styles and requests, no framing, and no
 * caching.
 */
export const protectiveHeaders: MiddlewareHandler = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    connectSrc: ["'self'"],
    imgSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
    requireTrustedTypesFor: ["'script'"],
    trustedTypes: ["'none'"],
  },
  referrerPolicy: "no-referrer",
  xFrameOptions: "DENY",
  // Plain HTTP on the loopback interface.
  strictTransportSecurity: false,
});

/**
 * Refuses requests with another host's name (DNS rebinding), and changes requested by another page.
 */
export const ownHostOnly: MiddlewareHandler = async (c, next) => {
  c.header("cache-control", "no-store");
  const host = c.req.header("host") ?? "";
  if (!OWN_HOSTS.has(hostName(host))) return refuse(c, "This host name is not allowed");
  if (c.req.method !== "GET" && c.req.method !== "HEAD") {
    const origin = c.req.header("origin");
    if (origin !== undefined && origin !== `http://${host}`) {
      return refuse(c, "Requests of other pages are not allowed");
    }
    // Forms and images cannot send this type, and scripts of other pages need a preflight.
    if (!c.req.header("content-type")?.startsWith("application/json")) {
      return refuse(c, "Only application/json is allowed");
    }
  }
  await next();
};

/** Returns the host name without its port: `127.0.0.1` for `127.0.0.1:4711`. */
function hostName(host: string): string {
  return host.toLowerCase().replace(/:\d+$/, "");
}

/** Refuses requests without the token, which is the first part of every path. */
export function tokenOnly(token: string): MiddlewareHandler {
  return async (c, next) => {
    if (!await timingSafeEqual(c.req.param("token") ?? "", token)) {
      return refuse(c, "Open the address that weave-wal ui printed: it contains a token");
    }
    await next();
  };
}

/** Ms for which the address for starting a browser is valid. */
const OPEN_MS = 60_000;

/**
 * The address with which a browser is started. Other users of this machine can read the command
 * lines of processes, so it does not contain the token, and works only once.
 */
export class OpenOnce {
  readonly #clock: Clock;
  readonly #code: string;
  readonly #expires: number;
  #used = false;

  /** @param code A random text. */
  constructor(clock: Clock, code: string) {
    this.#clock = clock;
    this.#code = code;
    this.#expires = clock.monotonic() + OPEN_MS;
  }

  /** The path to open. */
  get path(): string {
    return `/open/${this.#code}`;
  }

  /** Returns whether this request may open the page. */
  async take(code: string): Promise<boolean> {
    if (this.#used || this.#clock.monotonic() > this.#expires) return false;
    if (!await timingSafeEqual(code, this.#code)) return false;
    // Another request may have been first.
    const isFirst = !this.#used;
    this.#used = true;
    return isFirst;
  }
}

/** Creates a response that refuses a request. */
export function refuse(c: Context, error: string): Response {
  return c.json({ error }, 403);
}
