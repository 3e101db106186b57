/**
 * Ports for programs that cannot choose one themselves, or must keep theirs over a restart.
 *
 * @module
 */

import { createServer } from "node:net";

/**
 * Below the ports that operating systems give to connections and to servers that ask for any: one
 * of those may be taken before the program listens on it, or while it restarts.
 */
const LOWEST = 20_000;
const HIGHEST = 32_000;

/** Returns different ports on which nothing listens. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
