/**
 * Environment variables that a runtime with permissions must permit.
 *
 * @module
 */

import { OPTION_TABLE, RESOLVED_OPTIONS } from "./option_specs.ts";
import type { InitOptions } from "./options.ts";

/** Variables that decide whether and where records are sent, by the corresponding option. */
export const DECISIVE_VARIABLES: Readonly<Partial<Record<keyof InitOptions, string>>> = {
  apiKey: RESOLVED_OPTIONS.apiKey.env!,
  wal: OPTION_TABLE.wal.env!,
  walDir: OPTION_TABLE.walDir.env!,
  sender: OPTION_TABLE.sender.env!,
  serverUrl: RESOLVED_OPTIONS.serverUrl.env!,
  baseUrl: RESOLVED_OPTIONS.baseUrl.env!,
};

/** Deno's command line flag that permits all of them. */
export const ALLOW_ENV: string = `--allow-env=${Object.values(DECISIVE_VARIABLES).join()}`;
