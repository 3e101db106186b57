/**
 * Name lookups that can be aborted.
 *
 * The operating system's lookup can take ten seconds, for example if one of two name servers is
 * down or queries for IPv6 addresses are dropped. It cannot be aborted, keeps the program alive,
 * and on Node delays even `process.exit()`. On Linux, names are therefore resolved here, by the
 * rules of the operating system; it is only asked for names that no name server knows.
 *
 * @module
 */

import { builtin } from "../builtin_modules.ts";
import { hostTime } from "../host_time.ts";
import { type Address, connectError } from "../network/connections.ts";
import { addressesIn, candidates, hasOtherSources, readResolverFiles } from "./resolver_config.ts";

const time = hostTime();

/** Ms to wait for IPv6 addresses once there are IPv4 addresses (RFC 8305). */
const IPV6_MS = 50;

/** The answer of name servers. */
export interface Answer {
  readonly addresses: readonly Address[];
  /** Why there are none: an error code of `node:dns`. */
  readonly code?: string;
}

/** Queries name servers, until `signal` aborts. Never rejects. */
export type Ask = (name: string, family: 4 | 6, signal: AbortSignal) => Promise<Answer>;

/**
 * Returns the addresses of a host; `null` if the operating system must be asked.
 *
 * @throws {Error} If the name does not exist or no name server responds, or `signal` aborts.
 */
export async function resolveWith(
  ask: Ask,
  hostname: string,
  signal: AbortSignal,
): Promise<readonly Address[] | null> {
  const { env, platform } = builtin("node:process");
  if (platform === "win32") return null;
  const files = readResolverFiles();
  if (files) {
    const known = addressesIn(files.hosts, hostname).map(toAddress).filter((one) => one !== null);
    if (known.length > 0) return known;
  }
  if (isLocalhost(hostname)) return ["127.0.0.1", "::1"].map((address) => toAddress(address)!);
  // Elsewhere, the files are not all that determines names: only check that a name server responds.
  const isDetermined = files !== null && platform === "linux";
  const names = isDetermined
    ? candidates(hostname, files.resolv, builtin("node:os").hostname(), (name) => env[name])
    : [hostname];
  for (const name of names) {
    const found = await query(ask, name, signal);
    if (isDetermined && found.length > 0) return found;
  }
  if (!isDetermined || hasOtherSources(files.nsswitch)) return null;
  throw connectError("ENOTFOUND", `Cannot resolve ${hostname}`);
}

/** Returns whether a name is one of this machine (RFC 6761). */
function isLocalhost(hostname: string): boolean {
  return /^(?:.*\.)?localhost\.?$/i.test(hostname);
}

/** Error codes after which the next candidate is tried. */
const ABSENT = ["ENOTFOUND", "ENODATA", "ESERVFAIL"];

/** Returns the addresses of a name, IPv4 first; none if it does not exist. */
async function query(ask: Ask, name: string, signal: AbortSignal): Promise<Address[]> {
  const later = ask(name, 6, signal);
  const v4 = await ask(name, 4, signal);
  signal.throwIfAborted();
  if (v4.code === "ENOTFOUND") return [];
  const v6 = v4.addresses.length > 0 ? await Promise.race([later, afterDelay()]) : await later;
  signal.throwIfAborted();
  const found = [...v4.addresses, ...v6.addresses];
  const code = [v4.code, v6.code].find((one) => one !== undefined && !ABSENT.includes(one));
  if (found.length === 0 && code !== undefined) {
    throw connectError("EAI_AGAIN", `No name server responds for ${name} (${code})`);
  }
  return found;
}

async function afterDelay(): Promise<Answer> {
  await new Promise((resolve) => time.setTimeout(resolve, IPV6_MS));
  return { addresses: [] };
}

function toAddress(address: string): Address | null {
  const family = builtin("node:net").isIP(address);
  return family === 4 || family === 6 ? { address, family } : null;
}
