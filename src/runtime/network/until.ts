/**
 * Waits for events of sockets.
 *
 * @module
 */

import type { Socket } from "node:net";

/**
 * Resolves at an event of a socket. If the socket fails or is closed, or `signal` aborts, first,
 * destroys it and rejects.
 */
export function until(socket: Socket, event: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (end: () => void): void => {
      signal.removeEventListener("abort", aborted);
      socket.off(event, happened).off("error", failed).off("close", closed);
      end();
    };
    const happened = (): void => settle(resolve);
    const failed = (error: Error): void =>
      settle(() => {
        reject(error);
        socket.destroy();
      });
    const closed = (): void => failed(new Error("The connection closed"));
    const aborted = (): void => failed(signal.reason as Error);
    signal.addEventListener("abort", aborted);
    socket.on(event, happened).on("error", failed).on("close", closed);
    if (signal.aborted) aborted();
    else if (socket.destroyed) closed();
  });
}
