import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { request } from "node:http";
import { join } from "@std/path";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { isLocalAddress, readTokens } from "../../src/relay/access.ts";
import { test } from "../harness.ts";
import { post, PROJECT, send } from "../support/mock_server/mock_requests.ts";
import { RELAY_KEY, startRelay } from "../support/relay/relay_fixture.ts";

const TOKEN = "caller-token-0123456789abcdef0123456789";
const OTHER = "second-token-0123456789abcdef0123456789";
const object = (val: unknown) => ({ obj: { project_id: PROJECT, object_id: "a", val } });
const basic = (token: string) => `Basic ${btoa(`api:${token}`)}`;

test("relay: a caller sends a token in place of its API key", async () => {
  await using server = await startMockServer({ apiKey: RELAY_KEY });
  await using relay = await startRelay({ server: server.url, tokens: [TOKEN, OTHER] });
  const statusWith = async (headers: Record<string, string>) =>
    (await post(relay, "/obj/create", object(1), { headers })).status;
  assert.equal(await statusWith({ authorization: basic(TOKEN) }), 200);
  assert.equal(await statusWith({ authorization: basic(OTHER) }), 200);
  assert.equal(await statusWith({ authorization: `Bearer ${TOKEN}` }), 200);
  assert.equal(await statusWith({ "wandb-api-key": TOKEN }), 200);
  assert.equal(await statusWith({}), 401);
  assert.equal(await statusWith({ authorization: basic(`${TOKEN}x`) }), 401);
  assert.equal(await statusWith({ authorization: basic(RELAY_KEY) }), 401);
  assert.equal(await statusWith({ authorization: "Basic ###" }), 401);
  assert.equal((await send(`${relay.url}/healthz`)).status, 200);
  assert.equal((await send(`${relay.url}/readyz`)).status, 200);
  const read = { authorization: basic(TOKEN) };
  const query = { project_id: PROJECT, filter: {} };
  // The server accepts only the relay's key.
  assert.equal((await post(relay, "/calls/stream_query", query, { headers: read })).status, 200);
  assert.equal((await post(relay, "/calls/stream_query", query)).status, 401);
  await relay.stop();
  assert.equal(server.store.project(PROJECT).objects.size, 1);
});

test("relay: without a token, requests of web pages and with other host names are refused", async () => {
  await using server = await startMockServer({ apiKey: RELAY_KEY });
  await using relay = await startRelay({ server: server.url });
  const statusWith = async (headers: Record<string, string>) =>
    await statusOf(relay.url, { ...headers, "content-type": "text/plain" }, object(1));
  const { host } = new URL(relay.url);
  assert.equal(await statusWith({ host }), 200);
  assert.equal(await statusWith({ host, origin: "http://localhost:3000" }), 200);
  assert.equal(await statusWith({ host: "attacker.example" }), 403);
  assert.equal(await statusWith({ host: host.replace("127.0.0.1", "127.0.0.1.example") }), 403);
  assert.equal(await statusWith({ host, origin: "https://attacker.example" }), 403);
  assert.equal(await statusWith({ host, origin: "null" }), 403);
  await using guarded = await startRelay({ server: server.url, tokens: [TOKEN] });
  const token = { authorization: basic(TOKEN), "content-type": "application/json" };
  const named = { ...token, host: "relay.internal" };
  assert.equal(await statusOf(guarded.url, named, object(1)), 200);
});

/** Status of a write with headers that `fetch` cannot send. */
function statusOf(
  url: string,
  headers: Record<string, string>,
  body: unknown,
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/obj/create`, { method: "POST", headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on("error", reject);
    sent.end(JSON.stringify(body));
  });
}

/** The content of all files below a directory. */
function contentBelow(directory: string): string {
  return (readdirSync(directory, { recursive: true }) as string[])
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, "latin1")).join("\n");
}

test("relay: keys and tokens reach neither the disk nor the output nor a caller", async () => {
  await using server = await startMockServer();
  await using relay = await startRelay({ server: server.url, tokens: [TOKEN] });
  server.faults.add({
    path: "/calls/stream_query",
    status: 400,
    body: { reason: `bad header ${basic(RELAY_KEY)} ${RELAY_KEY}` },
  });
  const headers = { authorization: basic(TOKEN) };
  const read = await post(relay, "/calls/stream_query", { project_id: PROJECT }, { headers });
  assert.equal(read.status, 400);
  assert.match(read.text, /bad header/);
  await server.stop();
  const secrets = { 1: RELAY_KEY, 2: `with ${TOKEN} inside`, 3: basic(TOKEN), 4: 1.5 };
  await post(relay, "/obj/create", object(secrets), { headers });
  const form = new FormData();
  form.set("project_id", PROJECT);
  form.set("file", new File([Uint8Array.of(255, 0), TOKEN], "a.bin"));
  await send(`${relay.url}/files/create`, { method: "POST", body: form, headers });
  const texts = [
    contentBelow(relay.walDir),
    read.text,
    ...relay.events.map(({ message }) => message),
  ];
  for (const text of texts) {
    for (const secret of [RELAY_KEY, TOKEN]) {
      assert.ok(!text.includes(secret), text.slice(0, 500));
      assert.ok(!text.includes(btoa(`api:${secret}`).replace(/=+$/, "")));
    }
  }
  assert.match(texts[0], /"4":1\.5/);
});

test("relay: tokens are read from a file with comments, and have a minimum length", () => {
  assert.deepEqual(readTokens(`# comment\n${TOKEN}\r\n\n  ${OTHER} \n`), [TOKEN, OTHER]);
  assert.throws(() => readTokens("# none\n"), /no token/);
  assert.throws(() => readTokens("short\n"), (error: Error) => !error.message.includes("short"));
});

test("relay: recognizes this machine's own addresses", () => {
  for (const own of ["127.0.0.1", "127.1.2.3", "localhost", "::1"]) assert.ok(isLocalAddress(own));
  for (const other of ["0.0.0.0", "::", "10.0.0.1", "example.com", ""]) {
    assert.ok(!isLocalAddress(other), other);
  }
});
