/**
 * NATS packages: optional, and loaded only for logs on JetStream.
 * @module
 */

import { WeaveWalError } from "../../errors.ts";
import { guardSockets } from "./sockets.ts";

export interface NatsModules {
  readonly transport: typeof import("@nats-io/transport-node");
  readonly jetstream: typeof import("@nats-io/jetstream");
  readonly kv: typeof import("@nats-io/kv");
}

const PACKAGES = "@nats-io/transport-node @nats-io/jetstream @nats-io/kv";

/**
 * Loads the packages.
 * @throws {WeaveWalError} `ERR_INVALID_OPTION` if they are not installed, with installation
 * instructions.
 */
export async function loadNats(): Promise<NatsModules> {
  try {
    const [transport, jetstream, kv, sockets] = await Promise.all([
      import("@nats-io/transport-node"),
      import("@nats-io/jetstream"),
      import("@nats-io/kv"),
      // Not a public entry: a later version may have moved it.
      import("@nats-io/transport-node/lib/node_transport.js").catch(() => null),
    ]);
    if (sockets !== null) guardSockets(sockets);
    return { transport, jetstream, kv };
  } catch (cause) {
    throw new WeaveWalError(
      "ERR_INVALID_OPTION",
      `Cannot use --log: its packages are missing; run: npm install ${PACKAGES}`,
      { cause },
    );
  }
}
