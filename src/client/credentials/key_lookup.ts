/**
 * Finds the API key for a server. A key is only sent to hosts that it is intended for.
 *
 * @module
 */

import { WeaveWalError } from "../../errors.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { checkApiKey } from "./api_key.ts";
import { sessionKey } from "./api_key_store.ts";
import type { Find, Found } from "../settings/find_option.ts";
import { ALLOW_ENV } from "../settings/decisive_variables.ts";
import { passwordFor } from "./netrc.ts";
import { netrcFile, readNetrc } from "./netrc_file.ts";
import { RESOLVED_OPTIONS } from "../settings/option_specs.ts";
import type { NamedUrl, Servers } from "./servers.ts";
import { unencrypted } from "../settings/urls.ts";

/** The key for a server, or why there is none. */
export type KeyLookup =
  | { readonly apiKey: string; readonly problem?: undefined }
  | { readonly apiKey?: undefined; readonly problem: WeaveWalError };

/**
 * Finds the key for one of the servers.
 *
 * @throws {WeaveWalError} `ERR_INVALID_OPTION` for a key that cannot be sent.
 */
export type FindKey = (server: NamedUrl) => KeyLookup;

/**
 * Creates a function that finds keys in the environment, the options, `login` and `~/.netrc`.
 *
 * - `WANDB_API_KEY` and the option `apiKey` are for the servers named in the environment, the code
 *   or `~/.config/wandb/settings`, otherwise for the default servers.
 * - A key from `login`, or a password in `~/.netrc`, is for its machine, and for the trace server
 *   that the user configured together with that W&B server.
 * - A server that only `weave.jsonc` in the working directory names gets a key only if the key is
 *   for exactly this host.
 */
export function keyFinder(
  runtime: Runtime,
  find: Find,
  { trusted, wandbHost }: Servers,
  allowHttp: readonly string[],
): FindKey {
  const given = find("apiKey", RESOLVED_OPTIONS.apiKey);
  return (server) => {
    const { host, hostname, origin } = new URL(server.url);
    const refused = unencrypted(server.url, allowHttp, server.origin);
    if (refused) return { problem: refused };
    const machines = [host, hostname, wandbHost, new URL(`https://${wandbHost}`).hostname];
    const found = given ?? keptKey(runtime, [...new Set(machines), undefined]);
    if (trusted.has(origin)) {
      return found ? { apiKey: found.value } : { problem: missingKey(runtime, wandbHost) };
    }
    const own = keptKey(runtime, [host]);
    if (own) return { apiKey: own.value };
    return { problem: found ? foreignHost(server, found) : missingKey(runtime, host) };
  };
}

/**
 * Returns the first key from `login` or `~/.netrc` for one of `machines`; `undefined` among them
 * means the `default` entry of netrc.
 */
function keptKey(
  runtime: Runtime,
  machines: readonly (string | undefined)[],
): Pick<Found<string>, "value" | "origin"> | undefined {
  for (const machine of machines) {
    const key = machine === undefined ? undefined : sessionKey(machine);
    if (key !== undefined) {
      return { value: key, origin: `the key that login was given for ${machine}` };
    }
  }
  const file = netrcFile(runtime);
  const entry = passwordFor(readNetrc(runtime, file), machines);
  if (entry?.password === undefined) return undefined;
  const name = entry.machine === undefined ? "the default entry" : `machine ${entry.machine}`;
  const origin = `the password of ${name} in ${file.name}`;
  return { value: checkApiKey(entry.password, origin), origin };
}

/** Advice in the error about a missing key, for programs that need not send. */
export const WRITE_ONLY =
  ", or write without sending: WEAVE_ENABLE_WAL=true WEAVE_DISABLE_WAL_SENDER=true";

function missingKey(runtime: Runtime, machine: string): WeaveWalError {
  const variable = "WANDB_API_KEY";
  const where = `option "apiKey" or ~/.netrc (machine ${machine})`;
  return new WeaveWalError(
    "ERR_MISSING_API_KEY",
    runtime.process.allows({ kind: "env", variable })
      ? `Cannot send without an API key: none in ${variable}, ${where}; get one at ` +
        `https://wandb.ai/authorize${WRITE_ONLY}`
      : `Cannot send without an API key: Deno denies access to ${variable}, and there is none in ` +
        `${where}; add ${ALLOW_ENV}`,
  );
}

/** Configuration in a checkout must not redirect keys to another host. */
function foreignHost(
  { url, origin, env, option }: NamedUrl,
  key: { origin: string },
): WeaveWalError {
  return new WeaveWalError(
    "ERR_INVALID_OPTION",
    `Cannot use ${origin}: ${key.origin} was not given for "${url}", and a file in the working ` +
      "directory must not decide where a key is sent; remove the setting or, if you trust this server, " +
      `name it yourself: ${env}=${url} or option "${option}"`,
  );
}
