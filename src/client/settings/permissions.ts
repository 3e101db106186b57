/**
 * Permissions of the runtime (Deno's): which are needed for tracing, and which are missing.
 *
 * Operations without permission are never attempted: that may stop the program at a prompt, and a
 * denied `fetch` with a form body keeps Deno from ending.
 *
 * @module
 */

import { dirname } from "@std/path";
import { WeaveWalError } from "../../errors.ts";
import { portOf } from "../../runtime/network/connections.ts";
import type { Need, Runtime } from "../../runtime/runtime.ts";
import { DECISIVE_VARIABLES } from "./decisive_variables.ts";
import type { InitOptions } from "./options.ts";
import type { Settings } from "./settings.ts";

/** Settings limited to what is permitted, and a message about missing permissions. */
export interface Permitted {
  readonly settings: Settings;
  readonly message: string | null;
}

/**
 * Disables what the runtime does not permit: the log if its directory is not accessible, and the
 * sender if the server is not.
 *
 * @throws {WeaveWalError} `ERR_LOG_UNWRITABLE` if the user configured a directory that is not
 * permitted.
 */
export function withinPermissions(
  runtime: Runtime,
  settings: Settings,
  options: InitOptions,
): Permitted {
  if (settings.disabled) return { settings, message: null };
  const { wal, sender, walDir, walDirExplicit, serverUrl } = settings;
  const flags: string[] = [];
  const effects: string[] = [];
  const environment = missingVariables(runtime, options);
  if (environment.length > 0) {
    flags.push(`--allow-env=${environment.join()}`);
    effects.push("environment variables are not read");
  }
  const files = wal ? missingDirectory(runtime, walDir, walDirExplicit) : [];
  if (files.length > 0 && walDirExplicit) throw unwritable(walDir, files);
  const net = sender && options.fetch === undefined ? missingServer(runtime, serverUrl) : [];
  const onDisk = wal && files.length === 0;
  flags.push(...net, ...files);
  if (files.length > 0) effects.push("records are kept in memory");
  if (net.length > 0) {
    const end = onDisk ? `records stay in ${walDir}` : "records are lost when the program ends";
    effects.push(`nothing is sent to ${serverUrl}`, end);
  }
  return {
    settings: { ...settings, wal: onDisk, sender: sender && net.length === 0 },
    message: flags.length === 0
      ? null
      : `Deno permissions that tracing needs are missing; add ${flags.join(" ")}. Until then ` +
        `${effects.join(", ")}`,
  };
}

/**
 * Returns the error for a server that the runtime does not permit access to.
 *
 * @param url The server's URL. If access is permitted, `null` is returned.
 */
export function unreachable(runtime: Runtime, url: string): WeaveWalError | null {
  const flags = missingServer(runtime, url);
  return flags.length === 0 ? null : new WeaveWalError(
    "ERR_REQUEST_FAILED",
    `Cannot reach ${new URL(url).origin}: Deno denies access; add ${flags.join(" ")}`,
  );
}

/**
 * Returns the flags to add to the command line so that variables can be read; empty if one of the
 * decisive variables is permitted, or if the code sets everything.
 */
function missingVariables(runtime: Runtime, options: InitOptions): string[] {
  const { allows } = runtime.process;
  const variables = Object.values(DECISIVE_VARIABLES);
  if (variables.some((variable) => allows({ kind: "env", variable }))) return [];
  const hasKey = options.apiKey !== undefined || options.sender === false;
  if (hasKey && options.wal !== undefined) return [];
  return Object.entries(DECISIVE_VARIABLES)
    .filter(([name]) => options[name as keyof InitOptions] === undefined)
    .map(([, variable]) => variable);
}

function missingServer(runtime: Runtime, url: string): string[] {
  const { protocol, hostname, port } = new URL(url);
  const host = `${hostname}:${portOf({ protocol, port })}`;
  return runtime.process.allows({ kind: "net", host }) ? [] : [`--allow-net=${host}`];
}

/** The parent of the default directory must be created too. */
function missingDirectory(runtime: Runtime, walDir: string, isExplicit: boolean): string[] {
  const top = isExplicit ? walDir : dirname(walDir);
  return (["read", "write"] as const)
    .filter((kind) => !runtime.process.allows({ kind, path: walDir } satisfies Need))
    .map((kind) => `--allow-${kind}=${top}`);
}

function unwritable(walDir: string, flags: readonly string[]): WeaveWalError {
  return new WeaveWalError(
    "ERR_LOG_UNWRITABLE",
    `Cannot write the log in ${walDir}: Deno denies access; add ${flags.join(" ")}`,
  );
}
