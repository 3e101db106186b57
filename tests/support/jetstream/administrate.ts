/**
 * Manages the streams of a server as an administrator does.
 *
 * @module
 */

import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";

/** Runs `use` on a connection. @param address `host:port[,host:port…]`. */
export async function administrate<Result>(
  address: string,
  use: (manager: Awaited<ReturnType<typeof jetstreamManager>>) => Promise<Result>,
): Promise<Result> {
  const connection = await connect({ servers: address.split(",") });
  try {
    return await use(await jetstreamManager(connection));
  } finally {
    await connection.close();
  }
}
