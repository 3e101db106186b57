/**
 * Which servers are used, and who named them.
 *
 * @module
 */

import type { Runtime } from "../../runtime/runtime.ts";
import { DEFAULT_BASE_URL, DEFAULT_SERVER_URL, DEFAULT_SITE_URL } from "../settings/defaults.ts";
import type { Find } from "../settings/find_option.ts";
import type { Origin } from "../settings/invalid_option.ts";
import { RESOLVED_OPTIONS } from "../settings/option_specs.ts";
import { checkUrl } from "../settings/urls.ts";
import { wandbSettingsBaseUrl } from "./wandb_settings.ts";

/** A server's URL, without a trailing slash, and where it was found. */
export interface NamedUrl {
  readonly url: string;
  readonly origin: Origin;
  /** The variable and the option that name it. */
  readonly env: string;
  readonly option: string;
}

/** The servers of one process. */
export interface Servers {
  /** The W&B server. */
  readonly base: NamedUrl;
  /** The trace server. */
  readonly server: NamedUrl;
  /** Host of the W&B server that the user named, whatever `weave.jsonc` says: keys are kept under it. */
  readonly wandbHost: string;
  /** Base URL of links for users: scheme and host of the W&B server, with its port. */
  readonly siteUrl: string;
  /** Origins that the user named, or the defaults. No file of the working directory adds to them. */
  readonly trusted: ReadonlySet<string>;
}

/**
 * Finds both servers.
 *
 * @throws {WeaveWalError} `ERR_INVALID_OPTION` for a URL that cannot be used.
 */
export function findServers(runtime: Runtime, find: Find): Servers {
  const base = find("baseUrl", RESOLVED_OPTIONS.baseUrl);
  const server = find("serverUrl", RESOLVED_OPTIONS.serverUrl);
  const ownBase = base && !base.fromFile ? base.value : usersBaseUrl(runtime);
  const ownServer = server && !server.fromFile ? server.value : traceServerOf(ownBase);
  const names = { env: "WANDB_BASE_URL", option: "baseUrl" };
  const usedBase: NamedUrl = base
    ? { url: base.value, origin: base.origin, ...names }
    : { url: ownBase, origin: "the W&B server", ...names };
  return {
    base: usedBase,
    server: server
      ? {
        url: server.value,
        origin: server.origin,
        env: "WF_TRACE_SERVER_URL",
        option: "serverUrl",
      }
      : { ...usedBase, url: traceServerOf(usedBase.url) },
    wandbHost: new URL(ownBase).host,
    siteUrl: usedBase.url === DEFAULT_BASE_URL ? DEFAULT_SITE_URL : new URL(usedBase.url).origin,
    trusted: new Set(
      [ownBase, traceServerOf(ownBase), ownServer].map((url) => new URL(url).origin),
    ),
  };
}

/** The trace server of a W&B server that nobody named another for. */
export function traceServerOf(baseUrl: string): string {
  return baseUrl === DEFAULT_BASE_URL ? DEFAULT_SERVER_URL : `${baseUrl}/traces`;
}

/** The host that `wandb login --host` wrote into the user's home directory, else the default. */
function usersBaseUrl(runtime: Runtime): string {
  const found = wandbSettingsBaseUrl(runtime);
  return found === undefined
    ? DEFAULT_BASE_URL
    : checkUrl(found, "base_url of ~/.config/wandb/settings");
}
