import assert from "node:assert/strict";
import { request } from "node:https";
import { connect } from "node:net";
import { listen } from "../../src/http_server/listen.ts";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { test } from "../harness.ts";
import { post, PROJECT } from "../support/mock_server/mock_requests.ts";
import { startRelay } from "../support/relay/relay_fixture.ts";
import { CERTIFICATE, PRIVATE_KEY } from "../support/relay/test_certificate.ts";

/** Posts JSON over TLS, trusting only the test certificate. */
function postOverTls(url: string, body: unknown): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: "POST", ca: CERTIFICATE, agent: false }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode));
    });
    sent.on("error", reject);
    sent.end(JSON.stringify(body));
  });
}

for (const maxConnections of [undefined, 10]) {
  const limited = maxConnections === undefined ? "" : ", also with a limit of connections";

  test(`relay: with a certificate it accepts writes over TLS${limited}`, async () => {
    await using server = await startMockServer();
    await using relay = await startRelay({
      server: server.url,
      tls: { cert: CERTIFICATE, key: PRIVATE_KEY },
      ...(maxConnections === undefined ? {} : { maxConnections }),
    });
    assert.match(relay.url, /^https:/);
    const object = { obj: { project_id: PROJECT, object_id: "a", val: 1 } };
    assert.equal(await postOverTls(`${relay.url}/obj/create`, object), 200);
    await relay.stop();
    assert.equal(server.store.counts.objects, 1);
  });
}

test("relay: over TLS, only the handshake and the headers of a request have a time limit", async () => {
  const server = await listen({
    port: 0,
    hostname: "127.0.0.1",
    engine: "node",
    maxConnections: 10,
    headersMs: 500,
    idleSeconds: 60,
    tls: { cert: CERTIFICATE, key: PRIVATE_KEY },
    handle: async (request) => new Response(await request.text()),
  });
  /** Resolves when the server has closed a connection on which nothing is sent. */
  const silentClosed = (): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect(server.port, "127.0.0.1");
      socket.on("error", () => {}).on("end", () => socket.end()).on("close", () => resolve());
      socket.resume();
    });
  try {
    const options = { method: "POST", ca: CERTIFICATE, agent: false };
    const sent = request(`https://127.0.0.1:${server.port}/`, options);
    const answered = new Promise<string>((resolve, reject) => {
      let text = "";
      sent.on("error", reject).on("response", (response) => {
        response.setEncoding("utf8").on("data", (chunk) => text += chunk);
        response.on("end", () => resolve(text));
      });
    });
    answered.catch(() => {});
    sent.write("a");
    await silentClosed();
    await silentClosed();
    sent.end("b");
    assert.equal(await answered, "ab");
  } finally {
    await server.close();
  }
});

test("relay: several relays share a directory, and each delivers its own records", async () => {
  await using server = await startMockServer();
  await using first = await startRelay({ server: server.url, recovers: true });
  const walDir = first.walDir.replace(/\/wal$/, "");
  await using second = await startRelay({ server: server.url, walDir, recovers: true });
  const ids = Array.from({ length: 40 }, (_, i) => `object-${i}`);
  await Promise.all(ids.map(async (object_id, i) => {
    const object = { obj: { project_id: PROJECT, object_id, val: 1 } };
    const { status } = await post([first, second][i % 2], "/obj/create", object);
    assert.equal(status, 200);
  }));
  await second.stop();
  await first.stop();
  assert.deepEqual([...server.store.project(PROJECT).objects.keys()].sort(), ids.sort());
  assert.equal(server.store.counts.duplicateObjects, 0);
});
