/**
 * `fetch` over `node:http` behaves like the host's, as far as the sender needs it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { httpFetch } from "../../../src/runtime/network/http_fetch.ts";
import { test } from "../../harness.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A server and a `fetch` of its own, with a connection count. */
async function place(handler: Handler, host = "127.0.0.1") {
  const sockets: Socket[] = [];
  const server = createServer(handler).on("connection", (socket) => sockets.push(socket));
  server.listen(0, host.replace(/[[\]]/g, ""));
  await once(server, "listening");
  // Nothing under test keeps the program alive.
  const hold = setInterval(() => {}, 1_000);
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    fetch: httpFetch({
      connectMs: 5_000,
      background: true,
      proxyFor: () => null,
      resolve: () => Promise.resolve(null),
      fallback: () => Promise.reject(new Error("the fallback was asked")),
    }),
    sockets,
    [Symbol.dispose]() {
      clearInterval(hold);
      server.closeAllConnections();
      server.close();
    },
  };
}

const form = new FormData();
form.append("file", new Blob(["content"]), "name.txt");

const BODIES: Record<string, [RequestInit, RegExp]> = {
  "no body": [{ method: "GET" }, /^GET undefined $/],
  "bytes": [
    {
      method: "POST",
      body: new TextEncoder().encode('{"ä":1}'),
      headers: { "Content-Type": "a/b" },
    },
    /^POST a\/b {"ä":1}$/,
  ],
  "text": [{ method: "POST", body: "ö" }, /^POST .*ö$/],
  "form": [
    { method: "POST", body: form },
    /^POST multipart\/form-data; boundary=[^]*name\.txt[^]*content/,
  ],
};

for (const [what, [init, expected]] of Object.entries(BODIES)) {
  test(`http_fetch: ${what} arrives`, async () => {
    using server = await place(async (request, response) => {
      response.end(`${request.method} ${request.headers["content-type"]} ${await text(request)}`);
    });
    assert.match(await (await server.fetch(server.url, init)).text(), expected);
  });
}

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === "::1")
);

test("http_fetch: a server can be named by an IPv6 address", async () => {
  using server = await place((_, response) => response.end("here"), "[::1]");
  assert.equal(await (await server.fetch(server.url)).text(), "here");
}, { skip: !hasIpv6 && "this machine has no IPv6" });

test("http_fetch: status, headers and bodies of responses", async () => {
  const answers: Record<string, Handler> = {
    "/redirect": (_, response) => response.writeHead(302, { location: "/elsewhere" }).end(),
    "/empty": (_, response) => response.writeHead(204).end(),
    "/error": (_, response) => response.writeHead(503, { "retry-after": "7" }).end("busy"),
    "/gzip": (_, response) =>
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("ü".repeat(100_000))),
    "/chunks": async (_, response) => {
      for (const chunk of ["one ", "two ", "three"]) {
        response.write(chunk);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      response.end();
    },
  };
  using server = await place((request, response) => answers[request.url!]!(request, response));
  const results: unknown[] = [];
  for (const path of Object.keys(answers)) {
    const response = await server.fetch(server.url + path, { redirect: "manual" });
    const more = response.headers.get("retry-after") ?? response.headers.get("location");
    const body = await response.text();
    results.push([response.status, more, body.length > 99 ? body.length : body]);
  }
  assert.deepEqual(results, [
    [302, "/elsewhere", ""],
    [204, null, ""],
    [503, "7", "busy"],
    [200, null, 100_000],
    [200, null, "one two three"],
  ]);
  assert.ok(server.sockets.length < results.length, "connections are kept");
});

test("http_fetch: a response that ends early fails, as does a closed connection", async () => {
  using server = await place((request, response) => {
    if (request.url === "/silent") return request.socket.destroy();
    response.writeHead(200, { "content-length": "10" }).write("half ");
    response.on("finish", () => {});
    setTimeout(() => request.socket.destroy(), 20);
  });
  await assert.rejects(server.fetch(`${server.url}/silent`));
  const response = await server.fetch(server.url);
  await assert.rejects(response.text());
  await assert.rejects(server.fetch("http://127.0.0.1:9/"));
  await assert.rejects(server.fetch("https://127.0.0.1:9/"));
  await assert.rejects(server.fetch("ftp://127.0.0.1:9/"), TypeError);
});

test("http_fetch: an abort ends a request, before and after the response has begun", async () => {
  using server = await place((request, response) => {
    if (request.url === "/begun") response.write("begun");
  });
  const early = AbortSignal.abort(new Error("early"));
  await assert.rejects(server.fetch(server.url, { signal: early }), /early/);
  const waiting = new AbortController();
  const request = server.fetch(server.url, { signal: waiting.signal });
  while (server.sockets.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  waiting.abort(new Error("waiting"));
  await assert.rejects(request, /waiting/);
  const reading = new AbortController();
  const response = await server.fetch(`${server.url}/begun`, { signal: reading.signal });
  const body = response.text();
  reading.abort(new Error("reading"));
  await assert.rejects(body);
});

test("http_fetch: an immediately aborted request opens no connection", async () => {
  using server = await place((_, response) => response.end());
  const abort = new AbortController();
  const request = server.fetch(server.url, { signal: abort.signal });
  abort.abort();
  await assert.rejects(request, { name: "AbortError" });
  await (await server.fetch(server.url)).text();
  assert.equal(server.sockets.length, 1);
});

test("http_fetch: an abandoned body is canceled, and a body is read no faster than it is consumed", async () => {
  let sent = 0;
  using server = await place(async (_, response) => {
    const chunk = new Uint8Array(1 << 16);
    for (; !response.destroyed && sent < 1_000; sent++) {
      if (!response.write(chunk)) await once(response, "drain").catch(() => {});
    }
    response.end();
  });
  const reader = (await server.fetch(server.url)).body!.getReader();
  assert.ok((await reader.read()).value!.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.ok(sent < 500, `${sent} of 1000 chunks were taken`);
  await reader.cancel();
  while (!server.sockets[0]!.destroyed) await new Promise((resolve) => setTimeout(resolve, 1));
});

test("http_fetch: a keep-alive connection closed by the server is not a failure", async () => {
  using server = await place((_, response) => response.end("ok"));
  for (let i = 0; i < 5; i++) {
    assert.equal(
      await (await server.fetch(server.url, { method: "POST", body: "x" })).text(),
      "ok",
    );
    server.sockets.at(-1)!.destroy();
  }
  assert.equal(server.sockets.length, 5);
});
