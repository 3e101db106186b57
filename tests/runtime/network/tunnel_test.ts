/**
 * Requests through a proxy.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { Connections } from "../../../src/runtime/network/connections.ts";
import { httpFetch } from "../../../src/runtime/network/http_fetch.ts";
import type { OwnFetch } from "../../../src/runtime/runtime.ts";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { startForwardProxy } from "../../support/network/forward_proxy.ts";
import { test } from "../../harness.ts";

/** A `fetch` that sends all requests through a proxy. */
function through(proxy: string, background = false): OwnFetch {
  return httpFetch({
    connectMs: 5_000,
    background,
    proxyFor: () => proxy,
    resolve: () => Promise.resolve(null),
    fallback: () => Promise.reject(new Error("the fallback was asked")),
  });
}

/** A proxy that answers the first bytes of each connection with `answer`. */
async function answering(answer: (socket: Socket) => void) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {}).once("data", () => answer(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

test("tunnel: plain requests go to the proxy in absolute form, with its credentials", async () => {
  await using mock = await startMockServer();
  await using proxy = await startForwardProxy({ "trace.test": Number(new URL(mock.url).port) });
  const send = through(proxy.url.replace("//", "//us%C3%A9r:50%o%40ff@"));
  for (const path of ["/health", "/health?a=b"]) {
    const response = await send(`http://trace.test${path}`);
    assert.equal(response.status, 200);
    await response.text();
  }
  const authorization = `Basic ${Buffer.from("usér:50%o@ff").toString("base64")}`;
  assert.deepEqual(proxy.requests, [
    { kind: "plain", target: "http://trace.test/health", authorization },
    { kind: "plain", target: "http://trace.test/health?a=b", authorization },
  ]);
});

const REFUSALS: Record<string, [string, RegExp]> = {
  "asks for credentials": ["HTTP/1.1 407 Who\r\n\r\n", /refused a tunnel: 407/],
  "knows no such host": ["HTTP/1.1 502 Unknown host\r\nA: b\r\n\r\n", /refused a tunnel: 502/],
  "speaks another protocol": ["\x05\xff\r\n\r\n", /refused a tunnel: no HTTP/],
  "answers without an end": ["x".repeat(100_000), /refused a tunnel: no HTTP/],
};

for (const [what, [answer, message]] of Object.entries(REFUSALS)) {
  test(`tunnel: a proxy that ${what} is an error, and its connection is closed`, async () => {
    await using proxy = await answering((socket) => socket.write(answer));
    await assert.rejects(through(proxy.url)("https://trace.test/"), message);
    while (!proxy.sockets[0]!.destroyed) await new Promise((resolve) => setTimeout(resolve, 1));
  });
}

test("tunnel: a connection that fails before the HTTP client uses it does not end the program", async () => {
  await using proxy = await answering(() => {});
  const connections = new Connections({
    connectMs: 5_000,
    background: false,
    proxyFor: () => null,
    resolve: () => Promise.resolve(null),
  });
  const closed = new Promise<void>((resolve, reject) => {
    connections.connect(new URL(proxy.url), (error, socket) => {
      if (error) return reject(error);
      socket!.on("close", () => resolve()).destroy(new Error("reset by the test"));
    });
  });
  await closed;
});

test("tunnel: a proxy that closes the connection is an error", async () => {
  await using proxy = await answering((socket) => socket.destroy());
  await assert.rejects(through(proxy.url)("https://trace.test/"));
  await assert.rejects(through(proxy.url)("http://trace.test/"));
  await assert.rejects(through("http://127.0.0.1:9")("https://trace.test/"));
});

const STAGES: Record<string, string> = {
  "before the proxy answers": "",
  "in the middle of its answer": "HTTP/1.1 2",
  "during the handshake": "HTTP/1.1 200 OK\r\n\r\n",
};

for (const [stage, answer] of Object.entries(STAGES)) {
  test(`tunnel: an abort ${stage} ends the request and the connection`, async () => {
    const { promise, resolve } = asked();
    await using proxy = await answering((socket) => {
      socket.write(answer);
      socket.once("data", () => {});
      resolve();
    });
    const abort = new AbortController();
    const hold = setInterval(() => {}, 1_000);
    const request = through(proxy.url, true)("https://trace.test/", { signal: abort.signal });
    const rejected = assert.rejects(request, { name: "AbortError" });
    await promise;
    abort.abort();
    await rejected;
    while (!proxy.sockets[0]!.destroyed) await new Promise((resolve) => setTimeout(resolve, 1));
    clearInterval(hold);
  });
}

function asked(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => resolve = done);
  return { promise, resolve };
}
