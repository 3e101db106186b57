/**
 * URLs of servers, and which of them may be used without encryption.
 *
 * @module
 */

import { WeaveWalError } from "../../errors.ts";
import { invalidOption, type Origin } from "./invalid_option.ts";

/**
 * Validates the URL of a server; returns it without a trailing slash.
 *
 * @throws {WeaveWalError} `ERR_INVALID_OPTION`.
 */
export function checkUrl(value: unknown, origin: Origin): string {
  const want = "a URL such as https://trace.example.com";
  if (typeof value !== "string") throw invalidOption(origin, value, want);
  let parsed: URL;
  try {
    parsed = new URL(value);
  } catch {
    throw invalidOption(origin, value, want);
  }
  if (parsed.username !== "" || parsed.password !== "") {
    parsed.username = parsed.password = "";
    throw invalidOption(origin, parsed.href, "a URL without a user name and a password");
  }
  if (!/^https?:$/.test(parsed.protocol)) {
    throw invalidOption(origin, value, "an http:// or https:// URL");
  }
  if (parsed.search !== "" || parsed.hash !== "") {
    throw invalidOption(origin, value, "a URL without a query and a fragment");
  }
  return (parsed.origin + parsed.pathname).replace(/\/+$/, "");
}

/**
 * Validates a list of hosts, each with or without a port.
 *
 * @throws {WeaveWalError} `ERR_INVALID_OPTION`.
 */
export function checkHostNames(value: unknown, origin: Origin): readonly string[] {
  if (!Array.isArray(value)) throw invalidOption(origin, value, "a list of host names");
  for (const host of value) {
    if (typeof host !== "string" || !isHost(host)) {
      throw invalidOption(
        origin,
        host,
        "a host name such as trace.internal or trace.internal:8080",
      );
    }
  }
  return (value as string[]).map((host) => host.toLowerCase());
}

function isHost(text: string): boolean {
  try {
    const { host, hostname, href } = new URL(`http://${text}`);
    const whole = text.toLowerCase();
    // `host` omits the default port of http.
    return (whole === host || whole === `${hostname}:80`) && href === `http://${host}/` &&
      !whole.includes("*");
  } catch {
    return false;
  }
}

/**
 * Returns the error for plain `http` to another machine, unless its host is allowed by name: the
 * API key and all traces would be sent unencrypted. `undefined` for any other URL.
 *
 * @param allowed Host names, in lower case.
 */
export function unencrypted(
  url: string,
  allowed: readonly string[],
  origin: Origin,
): WeaveWalError | undefined {
  const { protocol, host, hostname, port } = new URL(url);
  if (protocol === "https:" || isLoopback(hostname)) return undefined;
  const names = [host, hostname, `${hostname}:${port || "80"}`];
  if (names.some((name) => allowed.includes(name))) return undefined;
  return new WeaveWalError(
    "ERR_INVALID_OPTION",
    `Cannot use ${origin}: "${url}" would send the API key and all traces unencrypted; use https, ` +
      `or allow this host by name: WEAVE_WAL_ALLOW_HTTP=${host}`,
  );
}

/** Returns whether a URL's host name is this machine. */
export function isLoopback(hostname: string): boolean {
  const name = hostname.replace(/\.$/, "");
  return name === "localhost" || name.endsWith(".localhost") || /^127(?:\.\d+){3}$/.test(name) ||
    name === "[::1]";
}
