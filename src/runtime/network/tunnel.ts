/**
 * Tunnels through a proxy.
 *
 * @module
 */

import type { Socket } from "node:net";
import { until } from "./until.ts";

/** Maximum length of the head of a proxy's response. */
const MAX_HEAD = 16_384;

/** Returns the header with the credentials in the URL of a proxy, if there are any. */
export function proxyHeaders({ username, password }: URL): Record<string, string> {
  if (username === "" && password === "") return {};
  const credentials = unescapePercent(`${username}:${password}`);
  return { "proxy-authorization": `Basic ${btoa(credentials)}` };
}

/**
 * Replaces percent escapes in a part of a URL; each character of the result is one byte. As in curl,
 * a percent sign that is not part of an escape is taken literally.
 */
export function unescapePercent(text: string): string {
  return text.replace(
    /%([\da-f]{2})/gi,
    (_, byte: string) => String.fromCharCode(Number.parseInt(byte, 16)),
  );
}

/**
 * Turns a connection to a proxy into one to `host` (with its port), with `CONNECT`.
 *
 * @throws {Error} If the proxy refuses, or `signal` aborts.
 */
export async function openTunnel(
  socket: Socket,
  host: string,
  proxy: URL,
  signal: AbortSignal,
): Promise<void> {
  const headers = Object.entries({ host, ...proxyHeaders(proxy) });
  socket.write(
    [`CONNECT ${host} HTTP/1.1`, ...headers.map((pair) => pair.join(": ")), "", ""].join("\r\n"),
  );
  let head = "";
  while (!head.includes("\r\n\r\n")) {
    const chunk: Uint8Array | null = socket.read();
    if (chunk === null) await until(socket, "readable", signal);
    else head += new TextDecoder("latin1").decode(chunk);
    if (head.length > MAX_HEAD) break;
  }
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
  if (status !== "200") throw new Error(`The proxy refused a tunnel: ${status ?? "no HTTP"}`);
}
