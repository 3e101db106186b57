/**
 * The package's own requests create no spans in Deno's own OpenTelemetry.
 *
 * @module
 */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { startForwardProxy, startTls } from "../../support/network/forward_proxy.ts";
import { startSocksProxy } from "../../support/network/socks_proxy.ts";
import { UserProject } from "../../support/processes/program_fixture.ts";
import { test } from "../../harness.ts";

const skip = detectRuntime().name !== "deno" && "only Deno has OpenTelemetry built in";

/** The part of an export that the test reads. */
interface Export {
  resourceSpans: {
    scopeSpans: { spans: { attributes: { key: string; value: { stringValue?: string } }[] }[] }[];
  }[];
}

/** A collector of spans. */
async function startCollector() {
  const urls: string[] = [];
  const server = createServer(async (request, response) => {
    const body = await text(request);
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
    if (!request.url!.endsWith("/traces")) return;
    for (const { scopeSpans } of (JSON.parse(body) as Export).resourceSpans) {
      for (const { attributes } of scopeSpans.flatMap(({ spans }) => spans)) {
        urls.push(attributes.find(({ key }) => key === "url.full")?.value.stringValue ?? "");
      }
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** URLs of the requests for which there are spans. */
    urls,
    [Symbol.dispose]: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const PROGRAM = `
  import http from "node:http";
  import process from "node:process";
  import { finish, flush, init, op, weaveImage } from "./weave_wal.mjs";
  const client = await init("team/unseen", { wal: true });
  const draw = op(async function draw() {
    await (await fetch(process.env.OWN + "/fetch")).text();
    await new Promise((end) => http.get(process.env.OWN + "/http", (got) => got.resume().on("end", end)));
    return weaveImage({ data: new Uint8Array([1, 2, 3]), imageType: "png" });
  });
  for (let i = 0; i < 3; i++) {
    await draw();
    await flush();
    await client.serverInfo();
  }
  console.log((await finish()).done);
`;

const HOST = "trace.test";

type Way = (port: number, run: (env: Record<string, string>) => Promise<void>) => Promise<void>;

const WAYS: Record<string, Way> = {
  "to the server": (port, run) => run({ WF_TRACE_SERVER_URL: `http://127.0.0.1:${port}` }),
  "over TLS through a proxy": async (port, run) => {
    await using tls = await startTls(HOST, port);
    await using proxy = await startForwardProxy({ [HOST]: tls.port });
    const server = { WF_TRACE_SERVER_URL: `https://${HOST}`, DENO_CERT: tls.authority };
    await run({ ...server, HTTPS_PROXY: proxy.url });
  },
  "through a SOCKS proxy": async (port, run) => {
    await using proxy = await startSocksProxy({ [HOST]: port });
    const server = { WF_TRACE_SERVER_URL: `http://${HOST}`, WEAVE_WAL_ALLOW_HTTP: HOST };
    await run({ ...server, HTTP_PROXY: `socks5://${proxy.host}` });
  },
};

for (const [way, send] of Object.entries(WAYS)) {
  test(`telemetry: Deno records no spans for requests ${way}`, async () => {
    await using mock = await startMockServer();
    using collector = await startCollector();
    await send(Number(new URL(mock.url).port), async (env) => {
      using project = new UserProject();
      project.copy("weave_wal.mjs");
      project.write("main.mjs", PROGRAM);
      const { lines, errors } = await project.run("main.mjs", {
        env: {
          ...env,
          OWN: collector.url,
          OTEL_DENO: "true",
          OTEL_DENO_CONSOLE: "ignore",
          OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
          OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
          NO_PROXY: "127.0.0.1",
        },
      });
      assert.equal(lines.at(-1), "true", errors);
    });
    const own = ["/fetch", "/http"].map((path) => collector.url + path);
    assert.deepEqual(collector.urls.toSorted(), [...own, ...own, ...own].toSorted());
    assert.equal(mock.store.finishedCount("team/unseen"), 3);
  }, { skip });
}
