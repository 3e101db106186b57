/**
 * A relay for benchmarks, which also reports its memory.
 *
 * @module
 */

import process from "node:process";
import { resolveSettings } from "../../../src/client/settings/settings.ts";
import { Relay } from "../../../src/relay/relay.ts";
import { relayHandler } from "../../../src/relay/routes.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { listen } from "../../../src/http_server/listen.ts";

const [serverUrl, walDir] = process.argv.slice(2);
const runtime = detectRuntime();
const relay = new Relay({
  runtime,
  settings: resolveSettings(runtime, { wal: true, serverUrl, walDir, apiKey: "k".repeat(40) }),
  fetch: (url, init) => fetch(url, init),
  logger: { event: () => {}, once: () => {}, print: () => {}, isWatched: false },
  commit: "group",
  tokens: null,
});
const handle = relayHandler(relay);
const { port } = await listen({
  hostname: "127.0.0.1",
  port: 0,
  maxConnections: 10_000,
  handle: (request, exchange) =>
    request.url.endsWith("/bench/memory")
      ? Promise.resolve(Response.json({ rss: process.memoryUsage().rss }))
      : handle(request, exchange),
});
console.log(`http://127.0.0.1:${port}`);
