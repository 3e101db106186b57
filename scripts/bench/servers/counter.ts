/**
 * A server that only counts its requests. Prints its URL as its first line.
 *
 * @module
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

let requests = 0;
let bytes = 0;
const server = createServer((request, response) => {
  if (request.url === "/health") return response.end('{"status":"ok"}');
  if (request.method === "GET") {
    response.end(JSON.stringify({ requests, bytes }));
    requests = bytes = 0;
    return;
  }
  request.on("data", (chunk: Uint8Array) => bytes += chunk.length);
  request.on("end", () => {
    requests++;
    response.setHeader("content-type", "application/json");
    // A response that suits every write.
    response.end(request.url?.startsWith("/otel/") ? "{}" : '{"res":[],"digest":"d"}');
  });
});
server.listen(0, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
