/**
 * `login`. Loads settings, files and requests when it is called, because few programs call it.
 *
 * @module
 */

/**
 * Checks that the trace server accepts an API key, and stores the key in `~/.netrc` (mode 0600),
 * where `init` finds it. If that file is a link or cannot be written, the key is used only in this
 * process, with a warning.
 *
 * @param apiKey The API key.
 * @param host Host name of the W&B server; default `api.wandb.ai`.
 * @throws {WeaveWalError} `ERR_MISSING_API_KEY` without a key, `ERR_INVALID_OPTION` for a key that
 * cannot be sent and for an invalid host or URL, `ERR_REQUEST_FAILED` if the server does not
 * respond or rejects the key.
 *
 * @example
 * ```ts ignore
 * import { init, login } from "@weave-wal/client";
 *
 * await login(prompt("API key") ?? ""); // Saved in ~/.netrc.
 * await init("team/project", { wal: true });
 * ```
 */
export async function login(apiKey: string, host?: string): Promise<void> {
  const { loginOnHost } = await import("./credentials/login.ts");
  await loginOnHost(apiKey, host);
}
