/**
 * What holds in the end: environment, then code, then `weave.jsonc`, then the default.
 *
 * @module
 */

import { isAbsolute, join } from "@std/path";
import { WeaveWalError } from "../../errors.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import {
  DEFAULT_BASE_URL,
  DEFAULT_DOMAIN,
  DEFAULT_SERVER_URL,
  DEFAULTS,
  type Defaults,
} from "./defaults.ts";
import { netrcPassword } from "./netrc.ts";
import {
  CODE_OPTIONS,
  invalidOption,
  OPEN_OPTIONS,
  OPTION_NAMES,
  OPTION_TABLE,
  type OptionSpec,
} from "./option_specs.ts";
import type { InitOptions } from "./options.ts";
import { sessionKey } from "./api_key_store.ts";
import { readSettingsFile, unknownOption } from "./settings_file.ts";
import { wandbSettingsBaseUrl } from "./wandb_settings.ts";

/** Every setting, checked. */
export interface Settings extends Defaults {
  /** The key; `undefined` where none was found and none is needed. */
  readonly apiKey: string | undefined;
  /** URL of the trace server, without a trailing slash. */
  readonly serverUrl: string;
  /** URL of the W&B server, without a trailing slash. */
  readonly baseUrl: string;
  /** The host that links for people name. */
  readonly domain: string;
  readonly globalAttributes: Readonly<Record<string, unknown>>;
  /** Whether the user named the log's directory; then one that cannot be written is an error. */
  readonly walDirExplicit: boolean;
}

/**
 * Finds and checks every setting.
 *
 * @throws {WeaveWalError} `ERR_INVALID_OPTION` for an unknown option or a value that cannot be used,
 *   `ERR_MISSING_API_KEY` when this process sends and no key was found.
 */
export function resolveSettings(runtime: Runtime, options: InitOptions = {}): Settings {
  checkOptions(options);
  const find = finder(runtime, options as Readonly<Record<string, unknown>>);
  const settings = { ...DEFAULTS } as { -readonly [K in keyof Defaults]: Defaults[K] };
  const take = <K extends keyof Defaults>(name: K): boolean => {
    const found = find(name, OPTION_TABLE[name]);
    if (found !== undefined) settings[name] = found;
    return found !== undefined;
  };
  for (const name of Object.keys(DEFAULTS) as (keyof Defaults)[]) take(name);

  const walDirExplicit = find("walDir", OPTION_TABLE.walDir) !== undefined;
  if (!isAbsolute(settings.walDir)) {
    settings.walDir = join(workingDirectory(runtime), settings.walDir);
  }
  if (settings.maxMemoryRecords === 0) settings.maxMemoryRecords = Number.MAX_SAFE_INTEGER;
  if (!settings.sender && !settings.wal) {
    if (options.sender === false && runtime.process.env("WEAVE_DISABLE_WAL_SENDER") === undefined) {
      throw new WeaveWalError(
        "ERR_INVALID_OPTION",
        'Cannot use option "sender": false without the log keeps nothing and sends nothing; ' +
          'set "wal": true or WEAVE_ENABLE_WAL=true',
      );
    }
    // The variable speaks of the log's sender alone: without a log it says nothing.
    settings.sender = true;
  }

  const baseUrl = find("baseUrl", OPEN_OPTIONS.baseUrl) ?? settingsBaseUrl(runtime) ??
    DEFAULT_BASE_URL;
  const own = baseUrl !== DEFAULT_BASE_URL;
  const serverUrl = find("serverUrl", OPEN_OPTIONS.serverUrl) ??
    (own ? `${baseUrl}/traces` : DEFAULT_SERVER_URL);
  const host = new URL(baseUrl).host;
  const apiKey = find("apiKey", OPEN_OPTIONS.apiKey) ?? sessionKey(host) ?? netrcKey(runtime, host);
  if (apiKey === undefined && settings.sender && !settings.disabled) throw missingKey(host);
  return {
    ...settings,
    apiKey,
    serverUrl,
    baseUrl,
    domain: own ? host : DEFAULT_DOMAIN,
    globalAttributes: find("globalAttributes", OPEN_OPTIONS.globalAttributes) ?? {},
    walDirExplicit,
  };
}

/** Refuses what is no object, holds unknown names, or cannot stand where only code can put it. */
function checkOptions(options: unknown): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw invalidOption("options of init", options, "an object of options");
  }
  for (const [name, value] of Object.entries(options)) {
    if (!OPTION_NAMES.includes(name)) throw unknownOption("options of init", name);
    if (value !== undefined) CODE_OPTIONS[name]?.check(value, `option "${name}"`);
  }
}

type Find = <T>(name: string, spec: OptionSpec<T>) => T | undefined;

function finder(runtime: Runtime, options: Readonly<Record<string, unknown>>): Find {
  const file = readSettingsFile(runtime);
  return (name, spec) => {
    const text = spec.env === undefined ? undefined : runtime.process.env(spec.env);
    if (spec.env !== undefined && text !== undefined && text !== "") {
      const value = spec.fromEnv ? spec.fromEnv(text, spec.env) : text;
      return spec.check(value, spec.env);
    }
    if (options[name] !== undefined) return spec.check(options[name], `option "${name}"`);
    if (file && file.values[name] !== undefined) {
      return spec.check(file.values[name], `"${name}" of ${file.path}`);
    }
    return undefined;
  };
}

function settingsBaseUrl(runtime: Runtime): string | undefined {
  const found = wandbSettingsBaseUrl(runtime);
  return found === undefined
    ? undefined
    : OPEN_OPTIONS.baseUrl.check(found, "base_url of ~/.config/wandb/settings");
}

function netrcKey(runtime: Runtime, host: string): string | undefined {
  const found = netrcPassword(runtime, host);
  return found === undefined
    ? undefined
    : OPEN_OPTIONS.apiKey.check(found, `the password of machine ${host} in ~/.netrc`);
}

function workingDirectory(runtime: Runtime): string {
  try {
    return runtime.process.cwd();
  } catch {
    // Gone or unreadable: a path that cannot be made leads to the memory log.
    return "/";
  }
}

function missingKey(host: string): WeaveWalError {
  return new WeaveWalError(
    "ERR_MISSING_API_KEY",
    `Cannot send without an API key: none in WANDB_API_KEY, option "apiKey" or ~/.netrc ` +
      `(machine ${host}); get one at https://wandb.ai/authorize, or write without sending: ` +
      `WEAVE_ENABLE_WAL=true WEAVE_DISABLE_WAL_SENDER=true`,
  );
}
