/**
 * The settings of the command: those of the library, where a flag beats the environment.
 *
 * @module
 */

import { resolveSettings, type Settings } from "../client/settings/settings.ts";
import { WeaveWalError } from "../errors.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** Flags that stand for settings. */
export interface SettingFlags {
  /** `--dir`. */
  readonly dir?: string;
  /** `--server`. */
  readonly server?: string;
}

/** Variables that speak of programs that write a log, and not of who reads or sends it. */
const WRITERS_OWN = ["WEAVE_ENABLE_WAL", "WEAVE_DISABLE_WAL_SENDER", "WEAVE_DISABLED"];

/**
 * Finds the settings. The API key may be missing; `flush` asks for it.
 *
 * @throws {WeaveWalError} `ERR_INVALID_OPTION`.
 */
export function commandSettings(runtime: Runtime, flags: SettingFlags): Settings {
  const hidden = new Set(WRITERS_OWN);
  if (flags.dir !== undefined) hidden.add("WEAVE_WAL_DIR");
  if (flags.server !== undefined) hidden.add("WF_TRACE_SERVER_URL");
  const process = Object.create(runtime.process, {
    env: { value: (name: string) => hidden.has(name) ? undefined : runtime.process.env(name) },
  }) as Runtime["process"];
  try {
    return resolveSettings({ ...runtime, process }, {
      wal: true,
      sender: false,
      disabled: false,
      ...(flags.dir === undefined ? {} : { walDir: flags.dir }),
      ...(flags.server === undefined ? {} : { serverUrl: flags.server }),
    });
  } catch (error) {
    if (!(error instanceof WeaveWalError)) throw error;
    // What was typed was a flag.
    const message = error.message
      .replace('option "walDir"', "--dir").replace('option "serverUrl"', "--server");
    throw new WeaveWalError(error.code, message, { cause: error });
  }
}
