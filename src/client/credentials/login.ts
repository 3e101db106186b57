/**
 * Stores an API key in `~/.netrc`.
 *
 * @module
 */

import { WeaveWalError } from "../../errors.ts";
import { detectRuntime } from "../../runtime/detect.ts";
import { standardError } from "../../runtime/standard_error.ts";
import type { OwnFetch, Runtime } from "../../runtime/runtime.ts";
import { DEFAULT_BASE_URL } from "../settings/defaults.ts";
import { fromEnvironment } from "../settings/find_option.ts";
import { hostFetch } from "../server/host_fetch.ts";
import { withNetrcEntry } from "./netrc.ts";
import { netrcFile } from "./netrc_file.ts";
import { RESOLVED_OPTIONS } from "../settings/option_specs.ts";
import { setSessionKey } from "./api_key_store.ts";
import { ApiClient } from "../server/api_client.ts";
import { traceServerOf } from "./servers.ts";
import { unencrypted } from "../settings/urls.ts";

/** Maximum ms for the server's response. */
const LOGIN_TIMEOUT_MS = 30_000;

/** Environment of `login`. */
export interface LoginEnvironment {
  readonly runtime: Runtime;
  readonly fetch: OwnFetch;
  readonly warn: (line: string) => void;
}

/** Logs in on the current JavaScript runtime; see `login`. */
export async function loginOnHost(apiKey: string, host?: string): Promise<void> {
  const { warn } = standardError;
  await loginFrom({ runtime: detectRuntime(), fetch: hostFetch, warn }, apiKey, host);
}

/** Same as {@linkcode loginOnHost}, with an explicit environment. */
export async function loginFrom(
  from: LoginEnvironment,
  apiKey: string,
  host?: string,
): Promise<void> {
  const { runtime } = from;
  if (!apiKey) {
    throw new WeaveWalError(
      "ERR_MISSING_API_KEY",
      "Cannot log in without an API key: get one at https://wandb.ai/authorize",
    );
  }
  const key = RESOLVED_OPTIONS.apiKey.check(apiKey, "argument apiKey");
  const base = RESOLVED_OPTIONS.baseUrl.check(host ? `https://${host}` : DEFAULT_BASE_URL, "host");
  const url = fromEnvironment(runtime, RESOLVED_OPTIONS.serverUrl) ?? traceServerOf(base);
  const allowed = fromEnvironment(runtime, RESOLVED_OPTIONS.allowHttp) ?? [];
  const refused = unencrypted(url, allowed, "WF_TRACE_SERVER_URL");
  if (refused) throw refused;
  const reader = new ApiClient({
    fetch: from.fetch,
    clock: runtime.clock,
    url,
    apiKey: key,
    timeoutMs: LOGIN_TIMEOUT_MS,
  });
  await reader.bytes("/health");
  const machine = new URL(base).host;
  setSessionKey(machine, key);
  const file = netrcFile(runtime);
  try {
    if (file.path === undefined) throw new Error("no home directory");
    const stat = runtime.files.stat(file.path);
    if (stat !== null && stat.kind !== "file") throw new Error(`it is a ${stat.kind}`);
    const old = stat === null ? "" : runtime.files.readText(file.path);
    runtime.files.replace(file.path, withNetrcEntry(old, machine, key));
  } catch (error) {
    from.warn(
      `weave-wal: Cannot store the key in ${file.name} (${
        (error as Error).message
      }): it is used in this process only; set WANDB_API_KEY for others`,
    );
  }
}
