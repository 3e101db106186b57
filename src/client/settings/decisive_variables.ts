/**
 * Environment variables that a host with permissions has to grant.
 *
 * @module
 */

import { OPTION_TABLE, RESOLVED_OPTIONS } from "./option_specs.ts";
import type { InitOptions } from "./options.ts";

/** Variables that decide whether and where records go, by the option of the same meaning. */
export const DECISIVE_VARIABLES: Readonly<Partial<Record<keyof InitOptions, string>>> = {
  apiKey: RESOLVED_OPTIONS.apiKey.env!,
  wal: OPTION_TABLE.wal.env!,
  walDir: OPTION_TABLE.walDir.env!,
  sender: OPTION_TABLE.sender.env!,
  serverUrl: RESOLVED_OPTIONS.serverUrl.env!,
  baseUrl: RESOLVED_OPTIONS.baseUrl.env!,
};

/** The option of Deno's command line that grants all of them. */
export const ALLOW_ENV: string = `--allow-env=${Object.values(DECISIVE_VARIABLES).join()}`;
