/**
 * Who may use the page: a browser on this machine that knows the token.
 *
 * @module
 */

import type { Context, MiddlewareHandler } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { timingSafeEqual } from "hono/utils/buffer";
import type { Clock } from "../../runtime/runtime.ts";

/** Names by which a browser on this machine, or behind a forwarded port, calls the server. */
const OWN_HOSTS: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "[::1]"]);

/**
 * Headers of every answer: no script, style or request other than the page's own, no frame around
 * it, and nothing kept by the browser.
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
 * Refuses requests that a browser sends under another host's name (DNS rebinding), and changes that
 * another page asks for.
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
    // A form or an image cannot send this type; a script of another page would be asked first.
    if (!c.req.header("content-type")?.startsWith("application/json")) {
      return refuse(c, "Only application/json is allowed");
    }
  }
  await next();
};

/** `127.0.0.1:4711` as `127.0.0.1`. */
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

/** Ms for which a browser may use the address that it is started with. */
const OPEN_MS = 60_000;

/**
 * The address that a browser is started with. Other users of this machine can read the command
 * lines of processes, so it does not contain the token, and works once.
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

  /** Whether this request may open the page. */
  async take(code: string): Promise<boolean> {
    if (this.#used || this.#clock.monotonic() > this.#expires) return false;
    if (!await timingSafeEqual(code, this.#code)) return false;
    // Another request may have been first.
    const isFirst = !this.#used;
    this.#used = true;
    return isFirst;
  }
}

/** An answer that refuses a request. */
export function refuse(c: Context, error: string): Response {
  return c.json({ error }, 403);
}
