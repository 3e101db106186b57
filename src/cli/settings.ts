/**
 * The command's settings: those of the library, with flags that override the environment.
 *
 * @module
 */

import { unreachable } from "../client/settings/permissions.ts";
import { WRITE_ONLY } from "../client/credentials/key_lookup.ts";
import { unusableProxy } from "../client/server/proxy.ts";
import { resolveSettings, type Settings } from "../client/settings/settings.ts";
import { WeaveWalError } from "../errors.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { CommandError } from "./exit_codes.ts";

/** Flags that set settings. */
export interface SettingFlags {
  /** `--dir`. */
  readonly dir?: string;
  /** `--server`. */
  readonly server?: string;
}

/** Variables that concern the programs that write a log, and not the command. */
const WRITERS_OWN = ["WEAVE_ENABLE_WAL", "WEAVE_DISABLE_WAL_SENDER", "WEAVE_DISABLED"];

/**
 * Resolves the settings.
 *
 * @param key Whether the command sends, and therefore needs the API key.
 * @throws {WeaveWalError} `ERR_INVALID_OPTION`.
 * @throws {CommandError} If a needed key is missing, or if the runtime does not permit access to
 * the server.
 */
export function commandSettings(
  runtime: Runtime,
  flags: SettingFlags,
  key: "needed" | "optional" = "optional",
): Settings {
  const hidden = new Set(WRITERS_OWN);
  if (flags.dir !== undefined) hidden.add("WEAVE_WAL_DIR");
  if (flags.server !== undefined) hidden.add("WF_TRACE_SERVER_URL");
  const process = Object.create(runtime.process, {
    env: { value: (name: string) => hidden.has(name) ? undefined : runtime.process.env(name) },
  }) as Runtime["process"];
  try {
    const settings = resolveSettings({ ...runtime, process }, {
      wal: true,
      sender: false,
      disabled: false,
      ...(flags.dir === undefined ? {} : { walDir: flags.dir }),
      ...(flags.server === undefined ? {} : { serverUrl: flags.server }),
    }, key);
    const refused = key === "needed" ? unreachable(runtime, settings.serverUrl) : null;
    if (refused) throw new CommandError(refused.message);
    const proxy = key === "needed" ? unusableProxy(runtime, settings.serverUrl) : null;
    if (proxy) throw new CommandError(proxy);
    return settings;
  } catch (error) {
    if (!(error instanceof WeaveWalError)) throw error;
    // The command has flags instead of options in code.
    const message = error.message
      .replace('option "walDir"', "--dir").replace('option "serverUrl"', "--server")
      .replace(' or option "baseUrl"', "").replace(', option "apiKey"', "").replace(WRITE_ONLY, "");
    if (error.code === "ERR_MISSING_API_KEY") {
      throw new CommandError(message, {
        hint: "If the server needs no key, set WANDB_API_KEY to any value",
      });
    }
    throw new WeaveWalError(error.code, message, { cause: error });
  }
}
