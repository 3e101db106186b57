/**
 * Determines which servers are used, and where they were configured.
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

/** A server's URL, without a trailing slash, and its source. */
export interface NamedUrl {
  readonly url: string;
  readonly origin: Origin;
  /** The environment variable and the option that set it. */
  readonly env: string;
  readonly option: string;
}

/** The servers of one process. */
export interface Servers {
  /** The W&B server. */
  readonly base: NamedUrl;
  /** The trace server. */
  readonly server: NamedUrl;
  /**
   * Host of the W&B server that the user configured, regardless of `weave.jsonc`: keys are stored
   * under it.
   */
  readonly wandbHost: string;
  /** Base URL of links for users: scheme, host and port of the W&B server. */
  readonly siteUrl: string;
  /**
   * Origins that the user configured, or the defaults. Files in the working directory do not add to
   * them.
   */
  readonly trusted: ReadonlySet<string>;
}

/**
 * Determines both servers.
 *
 * @throws {WeaveWalError} `ERR_INVALID_OPTION` for an invalid URL.
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

/** Returns the default trace server of a W&B server. */
export function traceServerOf(baseUrl: string): string {
  return baseUrl === DEFAULT_BASE_URL ? DEFAULT_SERVER_URL : `${baseUrl}/traces`;
}

/**
 * Returns the host that `wandb login --host` saved in the user's home directory, otherwise the
 * default.
 */
function usersBaseUrl(runtime: Runtime): string {
  const found = wandbSettingsBaseUrl(runtime);
  return found === undefined
    ? DEFAULT_BASE_URL
    : checkUrl(found, "base_url of ~/.config/wandb/settings");
}
