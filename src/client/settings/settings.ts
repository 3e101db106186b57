/**
 * Resolves settings: from the environment, then code, then `weave.jsonc`, then the default.
 *
 * @module
 */

import { isAbsolute, join } from "@std/path";
import { WeaveWalError } from "../../errors.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { DEFAULTS, type Defaults } from "./defaults.ts";
import { optionFinder } from "./find_option.ts";
import { expandHome } from "../credentials/home_directory.ts";
import { invalidOption } from "./invalid_option.ts";
import { type FindKey, keyFinder } from "../credentials/key_lookup.ts";
import { CODE_OPTIONS, OPTION_NAMES, OPTION_TABLE, RESOLVED_OPTIONS } from "./option_specs.ts";
import type { InitOptions } from "./options.ts";
import { findServers, type Servers } from "../credentials/servers.ts";
import { unknownOption } from "./settings_file.ts";

/** All settings, validated. */
export interface Settings extends Defaults {
  /** API key for `serverUrl`; `undefined` if there is none and none is needed. */
  readonly apiKey: string | undefined;
  /** API key for `baseUrl`; `undefined` if there is none and none is needed. */
  readonly baseApiKey: string | undefined;
  /** URL of the trace server, without a trailing slash. */
  readonly serverUrl: string;
  /** URL of the W&B server, without a trailing slash. */
  readonly baseUrl: string;
  /** Host for user-facing links. */
  readonly domain: string;
  /** Base URL of links for users, such as `https://wandb.ai`. */
  readonly siteUrl: string;
  /** Prints links to calls; by default if standard error is a terminal. */
  readonly printCallLink: boolean | undefined;
  /** Hosts for which plain http is allowed, in lower case. */
  readonly allowHttp: readonly string[];
  readonly globalAttributes: Readonly<Record<string, unknown>>;
  /** Names of properties to redact, in addition to those of `redactDefaults`. */
  readonly redactKeys: readonly string[];
  /** Patterns of text to redact, in addition to those of `redactDefaults`. */
  readonly redactPatterns: readonly RegExp[];
  /** Whether the user configured the log's directory; if so, failing to write there is an error. */
  readonly walDirExplicit: boolean;
}

/**
 * Purposes of the API key.
 *
 * - `"as-set"`: for sending, if the settings `sender` and `disabled` allow that this process sends.
 * - `"needed"`, `"optional"`: regardless of these settings.
 * - `"unused"`: the key is provided separately, and not looked up.
 */
export type KeyUse = "as-set" | "needed" | "optional" | "unused";

/**
 * Resolves and validates all settings.
 *
 * @throws {WeaveWalError} `ERR_INVALID_OPTION` for an unknown option, an invalid value, and a
 * server that must not get the key; `ERR_MISSING_API_KEY` if this process sends and no key was
 * found.
 */
export function resolveSettings(
  runtime: Runtime,
  options: InitOptions = {},
  keyUse: KeyUse = "as-set",
): Settings {
  checkOptions(options);
  const find = optionFinder(runtime, options as Readonly<Record<string, unknown>>);
  const settings = { ...DEFAULTS } as { -readonly [K in keyof Defaults]: Defaults[K] };
  const take = <K extends keyof Defaults>(name: K): void => {
    const found = find(name, OPTION_TABLE[name]);
    if (found !== undefined) settings[name] = found.value;
  };
  for (const name of Object.keys(DEFAULTS) as (keyof Defaults)[]) take(name);
  const walDir = find("walDir", OPTION_TABLE.walDir);
  settings.walDir = absolute(runtime, expandHome(runtime, settings.walDir, walDir?.origin));
  if (settings.maxMemoryRecords === 0) settings.maxMemoryRecords = Number.MAX_SAFE_INTEGER;
  settings.sender = senderOf(runtime, options, settings);

  const servers = findServers(runtime, find);
  const allowHttp = find("allowHttp", RESOLVED_OPTIONS.allowHttp)?.value ?? [];
  const sends = keyUse === "needed" ||
    keyUse === "as-set" && settings.sender && !settings.disabled;
  return {
    ...settings,
    ...keyUse === "unused"
      ? { apiKey: undefined, baseApiKey: undefined }
      : keysOf(keyFinder(runtime, find, servers, allowHttp), servers, sends),
    serverUrl: servers.server.url,
    baseUrl: servers.base.url,
    domain: new URL(servers.siteUrl).host,
    siteUrl: servers.siteUrl,
    allowHttp,
    printCallLink: find("printCallLink", RESOLVED_OPTIONS.printCallLink)?.value,
    globalAttributes: find("globalAttributes", RESOLVED_OPTIONS.globalAttributes)?.value ?? {},
    redactKeys: find("redactKeys", RESOLVED_OPTIONS.redactKeys)?.value ?? [],
    redactPatterns: find("redactPatterns", RESOLVED_OPTIONS.redactPatterns)?.value ?? [],
    walDirExplicit: walDir !== undefined,
  };
}

/** Returns the keys for both servers. */
function keysOf(
  findKey: FindKey,
  { server, base }: Servers,
  sends: boolean,
): Pick<Settings, "apiKey" | "baseApiKey"> {
  const [forServer, forBase] = [findKey(server), findKey(base)];
  if (sends && forServer.problem) throw forServer.problem;
  // Without a key for the W&B server, only the default entity cannot be requested.
  if (sends && forBase.problem?.code === "ERR_INVALID_OPTION") throw forBase.problem;
  return { apiKey: forServer.apiKey, baseApiKey: forBase.apiKey };
}

/** Returns whether this process sends. */
function senderOf(
  runtime: Runtime,
  options: InitOptions,
  { sender, wal }: { sender: boolean; wal: boolean },
): boolean {
  if (sender || wal) return sender;
  if (options.sender === false && runtime.process.env("WEAVE_DISABLE_WAL_SENDER") === undefined) {
    throw new WeaveWalError(
      "ERR_INVALID_OPTION",
      'Cannot use option "sender": without the log, nothing would be kept or sent; ' +
        'set "wal": true or WEAVE_ENABLE_WAL=true',
    );
  }
  // The variable applies to the log's sender: without a log it has no effect.
  return true;
}

/**
 * Rejects options that are not an object, unknown names, and invalid values of options for code
 * only.
 */
function checkOptions(options: unknown): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw invalidOption("options of init", options, "an object of options");
  }
  for (const [name, value] of Object.entries(options)) {
    if (!OPTION_NAMES.includes(name)) throw unknownOption("options of init", name);
    if (value !== undefined) CODE_OPTIONS[name]?.check(value, `option "${name}"`);
  }
}

function absolute(runtime: Runtime, path: string): string {
  return isAbsolute(path) ? path : join(workingDirectory(runtime), path);
}

function workingDirectory(runtime: Runtime): string {
  try {
    return runtime.process.cwd();
  } catch {
    // Deleted or unreadable: with a path that cannot be created, the log stays in memory.
    return "/";
  }
}
