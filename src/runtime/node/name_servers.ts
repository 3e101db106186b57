/**
 * Checks whether name servers respond, in a way that can be aborted.
 *
 * @module
 */

import { builtin } from "../builtin_modules.ts";
import { connectError } from "../network/connections.ts";

/** Timeout in ms of the first query, and number of queries; `signal` can end them earlier. */
const QUERY_MS = 1_000, QUERIES = 3;
const HOSTS_FILE = "/etc/hosts";

/**
 * Queries a name, and rejects if no name server responds.
 *
 * The operating system's lookup knows more than name servers, but can block indefinitely and keeps
 * the program alive, even at `process.exit()` on Node. So it is only used once a name server has
 * sent any response.
 */
export async function reachByName(
  hostname: string,
  _port: number,
  signal: AbortSignal,
): Promise<void> {
  if (builtin("node:process").platform === "win32" || isInHostsFile(hostname)) return;
  const { Resolver } = builtin("node:dns");
  const resolver = new Resolver({ timeout: QUERY_MS, tries: QUERIES });
  const cancel = (): void => resolver.cancel();
  signal.addEventListener("abort", cancel);
  try {
    await new Promise<void>((resolve, reject) => {
      resolver.resolve4(hostname, (error) => {
        if (signal.aborted) reject(signal.reason);
        else if (error?.code === "ETIMEOUT") {
          reject(connectError("EAI_AGAIN", "No name server responds"));
        } else resolve();
      });
      if (signal.aborted) cancel();
    });
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

/** Returns whether the operating system can resolve a name without a name server. */
function isInHostsFile(hostname: string): boolean {
  try {
    const text = builtin("node:fs").readFileSync(HOSTS_FILE, "utf8");
    const name = hostname.toLowerCase();
    return text.split("\n").some((line) =>
      line.replace(/#.*/, "").trim().toLowerCase().split(/\s+/).slice(1).includes(name)
    );
  } catch {
    return false; // Missing, or denied by Node's permission model.
  }
}
