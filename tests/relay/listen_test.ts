import assert from "node:assert/strict";
import { request } from "node:https";
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
