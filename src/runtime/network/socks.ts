/**
 * Connections through a SOCKS proxy, version 5 (RFC 1928, RFC 1929).
 *
 * @module
 */

import type { Socket } from "node:net";
import { unescapePercent } from "./tunnel.ts";
import { until } from "./until.ts";

const VERSION = 5, CONNECT = 1, DOMAIN = 3;
const NO_AUTHENTICATION = 0, PASSWORD = 2;
/** Version of the exchange of a user name and a password. */
const PASSWORD_VERSION = 1;
/** Length of an address in a response by its type; that of a domain is in its first byte. */
const ADDRESS_LENGTHS: Record<number, number> = { 1: 4, 4: 16 };

/**
 * Turns a connection to a proxy into one to `host`. The proxy resolves the name.
 *
 * @throws {Error} If the proxy refuses, or `signal` aborts.
 */
export async function openSocksTunnel(
  socket: Socket,
  host: string,
  port: number,
  { username, password }: URL,
  signal: AbortSignal,
): Promise<void> {
  let unread = new Uint8Array();
  const read = async (length: number): Promise<Uint8Array> => {
    // With bytes left in its buffer, a stream would report again and again that it is readable.
    while (unread.length < length) {
      const chunk: Uint8Array | null = socket.read();
      if (chunk === null) await until(socket, "readable", signal);
      else unread = Uint8Array.of(...unread, ...chunk);
    }
    const bytes = unread.slice(0, length);
    unread = unread.slice(length);
    return bytes;
  };
  const hasPassword = username !== "" || password !== "";
  const methods = hasPassword ? [NO_AUTHENTICATION, PASSWORD] : [NO_AUTHENTICATION];
  socket.write(Uint8Array.of(VERSION, methods.length, ...methods));
  const [version, method] = await read(2);
  if (version !== VERSION || !methods.includes(method!)) {
    throw refused(version === VERSION ? "it requires another authentication" : "no SOCKS 5");
  }
  if (method === PASSWORD) {
    socket.write(Uint8Array.of(PASSWORD_VERSION, ...field(username), ...field(password)));
    if ((await read(2))[1] !== 0) throw refused("user or password is wrong");
  }
  const name = new TextEncoder().encode(host);
  socket.write(
    Uint8Array.of(VERSION, CONNECT, 0, DOMAIN, name.length, ...name, port >> 8, port & 0xff),
  );
  const [, status, , type] = await read(4);
  if (status !== 0) throw refused(`status ${status}`);
  const length = ADDRESS_LENGTHS[type!] ?? (await read(1))[0]!;
  await read(length + 2);
  if (unread.length > 0) socket.unshift(unread);
}

/** Encodes a part of the credentials in a URL, prefixed with its length. */
function field(encoded: string): Uint8Array {
  const bytes = Uint8Array.from(unescapePercent(encoded), (char) => char.charCodeAt(0));
  if (bytes.length > 255) throw refused("user or password is longer than 255 bytes");
  return Uint8Array.of(bytes.length, ...bytes);
}

function refused(reason: string): Error {
  return new Error(`The SOCKS proxy refused a tunnel: ${reason}`);
}
