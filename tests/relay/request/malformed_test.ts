/**
 * Requests that no SDK sends: they are refused or forwarded, and the relay goes on.
 *
 * @module
 */

import assert from "node:assert/strict";
import { connect } from "node:net";
import { delimited } from "../../../src/protocol/otlp/wire.ts";
import { BodyBudget, readBody, RefusedRequest } from "../../../src/relay/request/read_body.ts";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { test } from "../../harness.ts";
import { completeOf, post, PROJECT, send } from "../../support/mock_server/mock_requests.ts";
import { callId } from "../../support/relay/every_write.ts";
import { startRelay, type TestRelay } from "../../support/relay/relay_fixture.ts";

const DEPTH = 100_000;
const nested = (open: string, inner: string, close: string): string =>
  open.repeat(DEPTH) + inner + close.repeat(DEPTH);

/** Checks that the relay takes writes and says so. */
async function isUnharmed(relay: TestRelay): Promise<void> {
  assert.deepEqual((await send(`${relay.url}/readyz`)).json, { status: "ready" });
  const object = { obj: { project_id: PROJECT, object_id: "after", val: 1 } };
  assert.equal((await post(relay, "/obj/create", object)).status, 200);
  assert.deepEqual(relay.events.filter(({ name }) => name === "disk-error"), []);
}

test("relay: a request that is nested too deeply does not count as a disk failure", async () => {
  await using server = await startMockServer();
  await using relay = await startRelay({ server: server.url });
  await server.stop();
  const value = nested("[", "", "]");
  const bodies = {
    "/obj/create": `{"obj":{"project_id":"${PROJECT}","object_id":"a","val":${value}}}`,
    "/table/create": `{"table":{"project_id":"${PROJECT}","rows":[{"a":${value}}]}}`,
    "/call/start": `{"start":{"project_id":"${PROJECT}","id":"a","inputs":${value}}}`,
    "/calls/stream_query": `{"project_id":"${PROJECT}","filter":${value}}`,
  };
  for (const [path, body] of Object.entries(bodies)) {
    const { status } = await send(relay.url + path, { method: "POST", body });
    assert.ok([200, 503].includes(status), `${path}: ${status}`);
  }
  await isUnharmed(relay);
});

test("relay: an error that is not the disk's fails one request", async () => {
  await using server = await startMockServer();
  await using relay = await startRelay({ server: server.url });
  const { commit } = relay.relay;
  relay.relay.commit = () => Promise.reject(new Error("injected"));
  const object = { obj: { project_id: PROJECT, object_id: "a", val: 1 } };
  assert.equal((await post(relay, "/obj/create", object)).status, 500);
  relay.relay.commit = commit;
  await isUnharmed(relay);
  const failed = relay.events.filter(({ name }) => name === "request-failed");
  assert.deepEqual(failed.map(({ message }) => message), ["injected"]);
});

test("relay: spans whose attributes are nested too deeply are refused", async () => {
  await using server = await startMockServer();
  await using relay = await startRelay({ server: server.url, defaultProject: PROJECT });
  let value: Uint8Array = new Uint8Array(0);
  for (let depth = 0; depth < 5_000; depth++) value = delimited(5, delimited(1, value));
  const attribute = delimited(9, delimited(2, value));
  const request = delimited(1, delimited(2, delimited(2, attribute)));
  const json = `{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"a","value":${
    nested('{"arrayValue":{"values":[', "{}", "]}}")
  }}]}]}]}]}`;
  for (
    const [type, body] of [["application/x-protobuf", request], ["application/json", json]] as const
  ) {
    const headers = { "content-type": type };
    const init = { method: "POST", headers, body: body as BodyInit };
    const { status } = await send(`${relay.url}/v1/traces`, init);
    // Runtimes have different limits.
    assert.ok([200, 400].includes(status), `${type}: ${status}`);
  }
  await isUnharmed(relay);
});

test("relay: reads with bodies and paths that cannot be read are forwarded", async () => {
  await using server = await startMockServer();
  await using relay = await startRelay({ server: server.url });
  for (const body of ["[]", "1", "{", '{"digest":"\\u00"}', "\u0000", ""]) {
    const direct = await send(`${server.url}/table/query`, { method: "POST", body });
    const { status } = await send(`${relay.url}/table/query`, { method: "POST", body });
    assert.equal(status, direct.status, body);
  }
  for (const path of ["/v2/%E0%A4%A/x/calls/read", "/v2/%/%/x", "/%00", "/..%2f..%2fetc"]) {
    const direct = await send(server.url + path);
    const { status } = await send(relay.url + path);
    assert.equal(status, direct.status, path);
  }
  await isUnharmed(relay);
});

test("relay: calls of another project than that of the path are forwarded", async () => {
  await using server = await startMockServer();
  await using relay = await startRelay({ server: server.url });
  const call = completeOf(callId(1), { trace_id: callId(1) });
  const batch = { batch: [call] };
  assert.equal((await post(relay, "/v2/team/other/calls/complete", batch)).status, 422);
  assert.equal(relay.relay.counters.records, 0);
  assert.equal((await post(relay, `/v2/${PROJECT}/calls/complete`, batch)).status, 200);
});

/** Sends bytes and returns everything that comes back until the connection is closed. */
function exchange(url: string, bytes: string, halfClose = false): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect({ port: Number(new URL(url).port), host: "127.0.0.1" });
    socket.setEncoding("latin1").on("data", (chunk) => text += chunk);
    socket.on("error", () => {});
    socket.on("close", () => resolve(text));
    socket.on("connect", () => halfClose ? socket.end(bytes) : socket.write(bytes));
  });
}

test("relay: broken HTTP ends its connection only", async () => {
  await using server = await startMockServer();
  await using relay = await startRelay({
    server: server.url,
    limits: { bodyTimeoutMs: 1_000 },
  });
  const head = "POST /obj/create HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n";
  const requests = {
    "huge header": `${head}x: ${"x".repeat(2 * 1024 * 1024)}\r\n\r\n`,
    "no HTTP": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "negative length": `${head}content-length: -1\r\n\r\n`,
    "invalid chunk": `${head}transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`,
    "short body": `${head}content-length: 100\r\n\r\n{}`,
  };
  for (const [what, bytes] of Object.entries(requests)) {
    const answer = await exchange(relay.url, bytes, what === "short body");
    assert.ok(!answer.startsWith("HTTP/1.1 200"), `${what}: ${answer.slice(0, 200)}`);
  }
  await isUnharmed(relay);
  assert.equal(relay.relay.counters.records, 1);
});

test("relay: chunked bodies are read, also from a caller that closes its side", async () => {
  await using server = await startMockServer();
  await using relay = await startRelay({ server: server.url });
  const body = JSON.stringify({ obj: { project_id: PROJECT, object_id: "chunked", val: "ä" } });
  const chunks = [...body].map((char) => {
    const length = new TextEncoder().encode(char).length;
    return `${length.toString(16)}\r\n${char}\r\n`;
  }).join("");
  const request = "POST /obj/create HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n" +
    `transfer-encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`;
  assert.match(await exchange(relay.url, request), /^HTTP\/1\.1 200 /);
  assert.equal(relay.relay.counters.records, 1);
});

test("relay: a body is decompressed in small parts, and no further than its limit", async () => {
  let largest = 0;
  class Budget extends BodyBudget {
    override take(bytes: number): void {
      largest = Math.max(largest, bytes);
      super.take(bytes);
    }
  }
  const zeros = new Blob([new Uint8Array(64 * 1024 * 1024)]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  const bomb = new Uint8Array(await new Response(zeros).arrayBuffer());
  assert.ok(bomb.length < 100_000);
  const budget = new Budget(1024 ** 3);
  const request = new Request("http://localhost/", {
    method: "POST",
    headers: { "content-encoding": "gzip" },
    body: bomb,
  });
  const maxBytes = 20 * 1024 * 1024;
  await assert.rejects(
    readBody(request, { maxBytes, timeoutMs: 60_000, budget }),
    (error) => error instanceof RefusedRequest && error.status === 413,
  );
  assert.ok(largest <= 5 * 1024 * 1024, `${largest} bytes at once`);
  assert.equal(budget.used, 0);
});
