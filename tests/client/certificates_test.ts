/**
 * Trace servers with a certificate of a private authority.
 *
 * @module
 */

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { makeCertificates, withoutOpenssl } from "../support/network/certificates.ts";
import { ownRuntime } from "../support/processes/child_fixture.ts";
import { UserProject } from "../support/processes/program_fixture.ts";
import { test } from "../harness.ts";

interface Way {
  env?: Record<string, string>;
  runtimeArgs?: string[];
}

const NODE_WAYS: Record<string, Way> = {
  "NODE_EXTRA_CA_CERTS": { env: { NODE_EXTRA_CA_CERTS: "ca.pem" } },
  "NODE_TLS_REJECT_UNAUTHORIZED": { env: { NODE_TLS_REJECT_UNAUTHORIZED: "0" } },
};
/** Ways to make the host trust an authority. */
const WAYS: Record<string, Record<string, Way>> = {
  node: NODE_WAYS,
  bun: NODE_WAYS,
  deno: {
    "DENO_CERT": { env: { DENO_CERT: "ca.pem" } },
    "--cert": { runtimeArgs: ["-A", "--cert", "ca.pem"] },
    "no check": { runtimeArgs: ["-A", "--unsafely-ignore-certificate-errors=localhost"] },
  },
};

test(
  "certificates: only the authorities that the runtime is configured with are trusted",
  async () => {
    const directory = mkdtempSync(join(tmpdir(), "weave-wal-certificates-"));
    await using mock = await startMockServer();
    makeCertificates(directory);
    const read = (name: string) => readFileSync(join(directory, name), "utf8");
    const server = createServer(
      { key: read("server.key"), cert: read("server.pem") },
      (request, response) => {
        const chunks: Uint8Array[] = [];
        request.on("data", (chunk) => chunks.push(chunk));
        request.on("end", async () => {
          const { method, url, headers } = request;
          const body = method === "GET" ? null : Buffer.concat(chunks);
          const { "content-type": type = "", authorization = "" } = headers;
          const answer = await fetch(mock.url + url, {
            method: method!,
            headers: { "content-type": type, authorization },
            body,
          });
          response.writeHead(answer.status, { "content-type": "application/json" });
          response.end(await answer.text());
        });
      },
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const env = {
        WEAVE_LOG_LEVEL: "critical",
        WF_TRACE_SERVER_URL: `https://localhost:${(server.address() as AddressInfo).port}`,
      };
      const run = async (way: Way) => {
        using project = new UserProject();
        project.copy("weave_wal.mjs");
        project.write("ca.pem", read("ca.pem"));
        project.write(
          "main.mjs",
          `
        import { finish, init, op } from "./weave_wal.mjs";
        await init("team/certificates");
        op(function answer() { return 42; })();
        console.log((await finish({ timeout: ${
            way.env || way.runtimeArgs ? 20_000 : 2_000
          } })).done);
      `,
        );
        const { lines, errors } = await project.run("main.mjs", {
          ...way,
          env: { ...env, ...way.env },
        });
        return lines[0] ?? errors;
      };
      assert.equal(await run({}), "false", "an authority that nobody named");
      for (const [what, way] of Object.entries(WAYS[ownRuntime]!)) {
        assert.equal(await run(way), "true", what);
      }
      assert.equal(
        mock.store.finishedCount("team/certificates"),
        Object.keys(WAYS[ownRuntime]!).length,
      );
    } finally {
      server.closeAllConnections();
      server.close();
      rmSync(directory, { recursive: true });
    }
  },
  { skip: withoutOpenssl, timeout: 60_000 },
);
