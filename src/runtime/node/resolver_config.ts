/**
 * The configuration of the operating system's resolver: which names it knows without a name server,
 * and which ones it queries.
 *
 * @module
 */

import { builtin } from "../builtin_modules.ts";

/** The contents of the configuration files; empty for one that does not exist. */
export interface ResolverFiles {
  /** `/etc/hosts`. */
  readonly hosts: string;
  /** `/etc/resolv.conf`. */
  readonly resolv: string;
  /** `/etc/nsswitch.conf`. */
  readonly nsswitch: string;
}

/** Returns the files; `null` if one cannot be read, for example by Node's permission model. */
export function readResolverFiles(): ResolverFiles | null {
  const { readFileSync } = builtin("node:fs");
  const read = (path: string): string => {
    try {
      return readFileSync(path, "utf8");
    } catch (error) {
      if ((error as { code?: string }).code === "ENOENT") return "";
      throw error;
    }
  };
  try {
    return {
      hosts: read("/etc/hosts"),
      resolv: read("/etc/resolv.conf"),
      nsswitch: read("/etc/nsswitch.conf"),
    };
  } catch {
    return null;
  }
}

/** Returns the addresses of a host name in `/etc/hosts`. */
export function addressesIn(hosts: string, hostname: string): string[] {
  const wanted = hostname.toLowerCase().replace(/\.$/, "");
  return lines(hosts)
    .map((line) => line.toLowerCase().split(/\s+/))
    .filter(([, ...names]) => names.includes(wanted))
    .map(([address]) => address!);
}

/**
 * Returns the names to query for a host name, in order: as given, and in each search domain. See
 * resolv.conf(5).
 *
 * @param machine The machine's own name, whose domain is searched by default.
 */
export function candidates(
  hostname: string,
  resolv: string,
  machine: string,
  env: (name: string) => string | undefined,
): string[] {
  if (hostname.endsWith(".")) return [hostname];
  let domains = machine.split(".").slice(1).join(".");
  let minDots = 1;
  const read = (options: string): void => {
    const given = /(?:^|\s)ndots:(\d+)/.exec(options)?.[1];
    if (given !== undefined) minDots = Math.min(Number(given), 15);
  };
  for (const line of lines(resolv)) {
    const [, keyword, value = ""] = /^(search|domain|options)\s+(.*)$/.exec(line) ?? [];
    if (keyword === "options") read(value);
    else if (keyword !== undefined) domains = value;
  }
  domains = env("LOCALDOMAIN") ?? domains;
  read(env("RES_OPTIONS") ?? "");
  const searched = domains.split(/\s+/)
    .map((domain) => domain.replace(/^\.+|\.+$/g, ""))
    .filter((domain) => domain !== "")
    .map((domain) => `${hostname}.${domain}`);
  const dots = hostname.split(".").length - 1;
  return dots >= minDots ? [hostname, ...searched] : [...searched, hostname];
}

/** Returns whether the operating system has other sources for host names than files and DNS. */
export function hasOtherSources(nsswitch: string): boolean {
  const line = lines(nsswitch).find((text) => text.startsWith("hosts:")) ?? "";
  return line.slice("hosts:".length).replace(/\[[^\]]*\]/g, " ").trim().split(/\s+/)
    .some((source) => !["", "files", "dns"].includes(source));
}

/** Returns the lines of a configuration file, without comments. */
function lines(text: string): string[] {
  return text.split("\n").map((line) => line.replace(/[#;].*/, "").trim())
    .filter((line) => line !== "");
}
