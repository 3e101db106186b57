/**
 * Whether name servers respond, found out in a way that can be given up.
 *
 * @module
 */

import { builtin } from "../builtin_modules.ts";
import { connectError } from "../network/connections.ts";

/** Ms for the first query, and how many follow; `signal` ends them earlier. */
const QUERY_MS = 1_000, QUERIES = 3;
const HOSTS_FILE = "/etc/hosts";

/**
 * Asks for a name, and rejects if no name server responds. The lookup of the operating system, which
 * knows more than name servers do, waits for as long as it likes and keeps the program alive, even at
 * `process.exit()` on Node. It is asked only when it will answer: a response of any kind will do.
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

/** Whether the operating system knows an address without a name server. */
function isInHostsFile(hostname: string): boolean {
  try {
    const text = builtin("node:fs").readFileSync(HOSTS_FILE, "utf8");
    const name = hostname.toLowerCase();
    return text.split("\n").some((line) =>
      line.replace(/#.*/, "").trim().toLowerCase().split(/\s+/).slice(1).includes(name)
    );
  } catch {
    return false; // Missing, or refused by Node's permission model.
  }
}
