/**
 * Requests through a SOCKS proxy.
 *
 * @module
 */

import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { httpFetch } from "../../../src/runtime/network/http_fetch.ts";
import type { OwnFetch } from "../../../src/runtime/runtime.ts";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { startSocksProxy } from "../../support/network/socks_proxy.ts";
import { test } from "../../harness.ts";

/** A `fetch` that sends all requests through a proxy. */
function through(proxy: string, background = false): OwnFetch {
  return httpFetch({
    connectMs: 5_000,
    background,
    proxyFor: () => proxy,
    resolve: () => Promise.reject(new Error("a name was looked up")),
    fallback: () => Promise.reject(new Error("the fallback was asked")),
  });
}

test("socks: the proxy resolves names, and requests have the same form as without a proxy", async () => {
  await using mock = await startMockServer();
  const port = Number(new URL(mock.url).port);
  await using proxy = await startSocksProxy({ "trace.test": port, "10.9.8.7": port });
  for (const scheme of ["socks5", "socks5h"]) {
    const send = through(`${scheme}://${proxy.host}`);
    for (const origin of ["http://trace.test", "http://10.9.8.7:8080"]) {
      for (const path of ["/health", "/health?a=b"]) {
        const response = await send(origin + path);
        assert.equal(response.status, 200);
        await response.text();
      }
    }
  }
  assert.deepEqual([...new Set(proxy.requests)], ["3 trace.test:80", "3 10.9.8.7:8080"]);
});

test("socks: a user and a password in the URL are sent", async () => {
  await using mock = await startMockServer();
  const ports = { "trace.test": Number(new URL(mock.url).port) };
  const url = "http://trace.test/health";
  await using proxy = await startSocksProxy(ports, { credentials: "usér:50%o@:" });
  const response = await through(`socks5://us%C3%A9r:50%o%40%3A@${proxy.host}`)(url);
  assert.equal(response.status, 200);
  await response.text();
  const wrong = through(`socks5://usér:wrong@${proxy.host}`)(url);
  await assert.rejects(wrong, /refused a tunnel: user or password is wrong/);
  const none = through(`socks5://${proxy.host}`)(url);
  await assert.rejects(none, /refused a tunnel: it requires another authentication/);
  const long = through(`socks5://${"u".repeat(256)}:p@${proxy.host}`)(url);
  await assert.rejects(long, /longer than 255 bytes/);
});

test("socks: a host that the proxy cannot reach is an error", async () => {
  await using proxy = await startSocksProxy({});
  for (const url of ["http://trace.test/", "https://trace.test/"]) {
    await assert.rejects(through(`socks5://${proxy.host}`)(url), /refused a tunnel: status 4/);
  }
  await assert.rejects(through("socks5://127.0.0.1:9")("http://trace.test/"));
});

/** A proxy that answers the first bytes of each connection with `answer`. */
async function answering(answer: (socket: Socket) => void) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {}).once("data", () => answer(socket));
    socket.on("data", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `socks5://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

test("socks: a proxy that speaks another protocol or closes is an error", async () => {
  const cases: [answer: string | null, message: RegExp][] = [
    ["HTTP/1.1 400 Bad Request\r\n\r\n", /refused a tunnel: no SOCKS 5/],
    ["\x05\xff", /refused a tunnel: it requires another authentication/],
    ["\x05", /closed/],
    ["\x05\x00\x05", /closed/],
    [null, /closed|reset/i],
  ];
  for (const [answer, message] of cases) {
    await using proxy = await answering((socket) => {
      if (answer === null) socket.destroy();
      else socket.end(Uint8Array.from(answer, (char) => char.charCodeAt(0)));
    });
    await assert.rejects(through(proxy.url)("http://trace.test/"), message);
  }
});

const STAGES: Record<string, number[]> = {
  "before the proxy answers": [],
  "in the middle of its first answer": [5],
  "before the tunnel is open": [5, 0],
  "in the middle of the last answer": [5, 0, 5, 0, 0, 3, 9, 1],
  "during the handshake": [5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0],
};

for (const [stage, answer] of Object.entries(STAGES)) {
  test(`socks: an abort ${stage} ends the request and the connection`, async () => {
    let asked = (): void => {};
    const wasAsked = new Promise<void>((resolve) => asked = resolve);
    await using proxy = await answering((socket) => {
      socket.write(Uint8Array.from(answer));
      asked();
    });
    const abort = new AbortController();
    const hold = setInterval(() => {}, 1_000);
    const request = through(proxy.url, true)("https://trace.test/", { signal: abort.signal });
    const rejected = assert.rejects(request, { name: "AbortError" });
    await wasAsked;
    abort.abort();
    await rejected;
    while (!proxy.sockets[0]!.destroyed) await new Promise((resolve) => setTimeout(resolve, 1));
    clearInterval(hold);
  });
}
