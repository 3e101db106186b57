/**
 * `weave-wal relay` in its own process.
 *
 * @module
 */

import { type Running, startCli, type Surroundings } from "../cli/cli_support.ts";

/** A listening relay process. */
export interface RelayProcess extends Running {
  readonly url: string;
}

/** Starts a relay on a free local port. */
export async function startRelayProcess(
  surroundings: Surroundings,
  args: readonly string[] = [],
): Promise<RelayProcess> {
  const running = startCli(["relay", "--listen", "127.0.0.1:0", ...args], surroundings);
  await running.sees("Listening on ");
  await running.sees(", log in");
  const url = /Listening on (\S+?),/.exec(running.err() + running.out())![1];
  return { ...running, url };
}
