import assert from "node:assert/strict";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { temporary } from "../support/cli/cli_support.ts";
import { test } from "../harness.ts";
import { post, PROJECT, send } from "../support/mock_server/mock_requests.ts";
import { startRelay } from "../support/relay/relay_fixture.ts";
import { startRelayProcess } from "../support/relay/relay_process.ts";

const object = { obj: { project_id: PROJECT, object_id: "a", val: 1 } };
const TOKEN = "caller-token-0123456789abcdef0123456789";

test("relay: metrics count recorded, forwarded, refused and unreachable requests", async () => {
  await using server = await startMockServer();
  await using relay = await startRelay({ server: server.url, tokens: [TOKEN] });
  const headers = { authorization: `Bearer ${TOKEN}` };
  assert.equal((await send(`${relay.url}/metrics`)).status, 401);
  await post(relay, "/obj/create", object, { headers });
  await post(relay, "/obj/create", object);
  await post(relay, "/calls/stream_query", { project_id: PROJECT }, { headers });
  await server.stop();
  await post(relay, "/calls/stream_query", { project_id: PROJECT }, { headers });
  const { text, status } = await send(`${relay.url}/metrics`, { headers });
  assert.equal(status, 200);
  const values = Object.fromEntries(
    text.split("\n").filter((line) => line.startsWith("weave_wal_relay"))
      .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]),
  );
  assert.deepEqual(values, {
    'weave_wal_relay_requests_total{outcome="recorded"}': 1,
    'weave_wal_relay_requests_total{outcome="forwarded"}': 2,
    'weave_wal_relay_requests_total{outcome="refused"}': 2,
    'weave_wal_relay_refused_requests_total{status="401"}': 2,
    weave_wal_relay_records_total: 1,
    weave_wal_relay_unreachable_requests_total: 1,
    weave_wal_relay_active_requests: 0,
    weave_wal_relay_buffered_bytes: 0,
  });
});

test("relay: the command's metrics are those of the directory and of the relay", async () => {
  await using place = await temporary();
  await using server = await startMockServer();
  await server.stop();
  const env = { WF_TRACE_SERVER_URL: server.url, WANDB_API_KEY: "a-secret-key-0123456789" };
  const relay = await startRelayProcess({ cwd: place.path, env });
  assert.equal((await post(relay, "/obj/create", object)).status, 200);
  const { text, headers } = await send(`${relay.url}/metrics`, {
    headers: { accept: "application/openmetrics-text" },
  });
  assert.match(headers.get("content-type") ?? "", /^application\/openmetrics-text/);
  const [entity, project] = PROJECT.split("/");
  assert.ok(
    text.includes(`weave_wal_pending_records{entity="${entity}",project="${project}"} 1\n`),
    text,
  );
  assert.match(text, /\nweave_wal_relay_records_total 1\n/);
  assert.match(text, /\n# EOF\n$/);
  relay.kill("SIGKILL");
  await relay.ended;
}, { timeout: 120_000 });
