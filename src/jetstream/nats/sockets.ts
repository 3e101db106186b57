/**
 * Keeps a late error of a connection to the servers from ending the program.
 *
 * The transport of `@nats-io/transport-node` 3.4.0 removes all listeners of a socket before it
 * destroys it. On Deno a read that is still pending then fails, for example after the servers have
 * rejected the credentials, and an `error` event without a listener ends the program.
 * @module
 */

import type { Socket } from "node:net";

/** Methods of the transport that resolve with a new socket. */
const OPENERS = ["dial", "tlsFirst", "startTLS"] as const;

type Opener = (this: unknown, ...args: unknown[]) => Promise<Socket>;
type Transport = Partial<Record<typeof OPENERS[number], Opener>>;

const guarded = new WeakSet<object>();

/**
 * Gives every socket of the transport an `error` listener that stays.
 * @param module The transport's module `lib/node_transport.js`.
 */
export function guardSockets(
  module: { readonly NodeTransport: { readonly prototype: object } },
): void {
  const transport = module.NodeTransport.prototype as Transport;
  if (guarded.has(transport)) return;
  guarded.add(transport);
  for (const name of OPENERS) {
    const open = transport[name];
    if (open === undefined) continue;
    transport[name] = async function (...args) {
      return keepErrorListener(await open.apply(this, args));
    };
  }
}

function keepErrorListener(socket: Socket): Socket {
  const ignore = (): void => {}; // The transport has its own listener while it uses the socket.
  const removeAll = socket.removeAllListeners;
  socket.removeAllListeners = (...args) => {
    removeAll.apply(socket, args);
    return socket.on("error", ignore);
  };
  return socket.on("error", ignore);
}
