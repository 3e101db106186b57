/**
 * Determines the proxy for a URL from the environment, by the same rules as curl.
 *
 * @module
 */

import type { Runtime } from "../../runtime/runtime.ts";

/** A proxy, and the environment variable that contains it. */
export interface NamedProxy {
  readonly variable: string;
  /** URL of the proxy, with a scheme. */
  readonly url: string;
}

type Env = (name: string) => string | undefined;

/**
 * Returns the proxy for `url`: `HTTPS_PROXY`, `HTTP_PROXY` or, for both, `ALL_PROXY`, unless
 * `NO_PROXY` contains the host. Lower-case variables take precedence.
 */
export function proxyFor(url: string, env: Env): NamedProxy | null {
  const { protocol, hostname, port } = new URL(url);
  const scheme = protocol.slice(0, -1);
  const named = [`${scheme}_proxy`, "all_proxy"]
    .flatMap((name) => [name, name.toUpperCase()])
    .find((name) => env(name));
  const value = named && env(named)?.trim();
  if (!named || !value) return null;
  const without = env("no_proxy") ?? env("NO_PROXY") ?? "";
  if (isExcluded(hostname, Number(port) || (scheme === "https" ? 443 : 80), without)) return null;
  return { variable: named, url: value.includes("://") ? value : `http://${value}` };
}

/** Returns the URL of the proxy for `url`, if it can be used. */
export function usableProxyFor(url: string, env: Env): string | null {
  const proxy = proxyFor(url, env);
  return proxy !== null && isUsable(proxy.url) ? proxy.url : null;
}

/**
 * Returns why requests to `url` cannot use the proxy that the environment names; `null` if they can,
 * or if there is none.
 */
export function unusableProxy({ process }: Runtime, url: string): string | null {
  const proxy = proxyFor(url, process.env);
  if (proxy === null || isUsable(proxy.url)) return null;
  // The value is not shown: it may contain a password.
  return `Cannot use ${proxy.variable}: it is not the URL of a proxy such as http://proxy:3128 or ` +
    `socks5://proxy:1080; set one, or list ${new URL(url).hostname} in NO_PROXY`;
}

function isUsable(url: string): boolean {
  return URL.canParse(url) && /^(?:https?|socks5h?):$/.test(new URL(url).protocol);
}

/** Returns whether a list of hosts, domains, addresses and networks names the host. */
function isExcluded(hostname: string, port: number, list: string): boolean {
  const host = bare(hostname);
  return list.split(/[\s,]+/).filter((entry) => entry !== "").some((entry) => {
    if (entry === "*") return true;
    // Colons without brackets are part of an IPv6 address.
    const withPort = /^([^:]+|\[.*\]):(\d+)$/.exec(entry);
    if (withPort && Number(withPort[2]) !== port) return false;
    const wanted = bare(withPort?.[1] ?? entry).replace(/^\*?\./, "");
    return host === wanted || host.endsWith(`.${wanted}`) || isInNetwork(host, wanted);
  });
}

/** Returns a host name in lower case, without brackets and without a trailing dot. */
function bare(hostname: string): string {
  return hostname.toLowerCase().replace(/^\[|\]$/g, "").replace(/\.$/, "");
}

/** Returns whether an IPv4 address is in a network such as `10.0.0.0/8`. */
function isInNetwork(address: string, network: string): boolean {
  const [base, length = ""] = network.split("/");
  const [a, b] = [ipv4(address), ipv4(base)];
  if (a === null || b === null || !/^\d+$/.test(length) || Number(length) > 32) return false;
  const hosts = 2 ** (32 - Number(length));
  return Math.floor(a / hosts) === Math.floor(b / hosts);
}

function ipv4(text: string): number | null {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  return parts?.reduce((sum, part) => sum * 256 + part, 0) ?? null;
}
