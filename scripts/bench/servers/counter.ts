/**
 * A server that only counts its requests and their senders. Prints its URL as its first
 * line.
 *
 * Usage: `counter.ts [delay]`: the ms that it takes to answer a write.
 *
 * @module
 */

import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";

const DELAY_MS = Number(process.argv[2] ?? 0);

/** Counts since the last `GET`, which returns them. */
let counts = { requests: 0, bytes: 0 };
const senders = new Set<string | undefined>();

const server = createServer((request, response) => {
  if (request.url === "/health") return response.end('{"status":"ok"}');
  if (request.method === "GET") {
    response.end(JSON.stringify({ ...counts, senders: senders.size }));
    counts = { requests: 0, bytes: 0 };
    senders.clear();
    return;
  }
  request.on("data", (chunk: Uint8Array) => counts.bytes += chunk.length);
  request.on("end", () => {
    counts.requests++;
    senders.add(request.headers.authorization);
    if (DELAY_MS === 0) answer(request.url, response);
    else setTimeout(answer, DELAY_MS, request.url, response);
  });
});
server.listen(0, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

/** A response that suits every write. */
function answer(url: string | undefined, response: ServerResponse): void {
  response.setHeader("content-type", "application/json");
  response.end(url?.startsWith("/otel/") ? "{}" : '{"res":[],"digest":"d"}');
}
