import assert from "node:assert/strict";
import { connect } from "node:net";
import { listen } from "../../../src/http_server/listen.ts";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { test } from "../../harness.ts";
import { post, PROJECT, send } from "../../support/mock_server/mock_requests.ts";
import { startRelay } from "../../support/relay/relay_fixture.ts";

const object = (object_id: string, text = "") => ({
  obj: { project_id: PROJECT, object_id, val: { text } },
});
const feedback = (note: string) => ({
  project_id: PROJECT,
  weave_ref: `weave:///${PROJECT}/call/x`,
  feedback_type: "note",
  payload: { note },
});

test(
  "relay: over the quota a write is refused whole and counted, and taken when there is room",
  async () => {
    await using server = await startMockServer();
    await using relay = await startRelay({
      server: server.url,
      settings: { maxDiskBytes: 20_000 },
    });
    await server.stop();
    const notes: string[] = [];
    const refused = [];
    for (let i = 0; i < 20; i++) {
      const [a, b] = [`${i}a${"x".repeat(1_000)}`, `${i}b`];
      const response = await post(relay, "/feedback/batch/create", {
        batch: [feedback(a), feedback(b)],
      });
      if (response.status === 200) notes.push(a, b);
      else refused.push(response);
    }
    assert.ok(notes.length >= 4 && refused.length >= 4, `${notes.length}, ${refused.length}`);
    for (const { status, headers, json } of refused) {
      assert.equal(status, 503);
      assert.ok(Number(headers.get("retry-after")) > 0);
      assert.equal(json.reason, "The log is full");
    }
    assert.deepEqual(relay.relay.counters.refused, { 503: refused.length });
    await server.restart();
    await server.waitFor(({ counts }) => counts.feedback === notes.length);
    for (;;) {
      // The delivered bytes are released when the segment is removed.
      if ((await post(relay, "/feedback/create", feedback("last"))).status === 200) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await relay.stop();
    const arrived = server.store.feedback(PROJECT).map(({ payload }) =>
      (payload as { note: string }).note
    );
    assert.deepEqual(arrived.sort(), [...notes, "last"].sort());
  },
  { timeout: 60_000 },
);

test("relay: a request that is too large is refused, also if it is so only after decompression", async () => {
  await using server = await startMockServer();
  await using relay = await startRelay({
    server: server.url,
    limits: { maxRequestBytes: 10_000 },
  });
  const large = JSON.stringify(object("large", "x".repeat(20_000)));
  const plain = await send(`${relay.url}/obj/create`, { method: "POST", body: large });
  assert.equal(plain.status, 413);
  const stream = new Blob([large]).stream().pipeThrough(new CompressionStream("gzip"));
  const body = new Uint8Array(await new Response(stream).arrayBuffer());
  assert.ok(body.length < 10_000);
  const headers = { "content-encoding": "gzip" };
  const bomb = await send(`${relay.url}/obj/create`, { method: "POST", body, headers });
  assert.equal(bomb.status, 413);
  const unknown = await send(`${relay.url}/obj/create`, {
    method: "POST",
    body: "{}",
    headers: { "content-encoding": "br" },
  });
  assert.equal(unknown.status, 415);
  assert.equal((await post(relay, "/obj/create", object("small"))).status, 200);
  assert.equal(relay.relay.bodyLimits.budget.used, 0);
});

test("relay: requests above the limit are refused with 503, and others are not delayed", async () => {
  await using server = await startMockServer();
  await using relay = await startRelay({ server: server.url, limits: { maxRequests: 2 } });
  const held = server.faults.add({ path: "/calls/stream_query", hang: true });
  const reads = [1, 2].map(() => post(relay, "/calls/stream_query", { project_id: PROJECT }));
  await server.waitFor(() => held.hits === 2);
  const busy = await post(relay, "/obj/create", object("a"));
  assert.equal(busy.status, 503);
  assert.equal(busy.headers.get("retry-after"), "1");
  await server.stop();
  assert.deepEqual((await Promise.all(reads)).map(({ status }) => status), [503, 503]);
  assert.equal((await post(relay, "/obj/create", object("a"))).status, 200);
});

/** Opens a connection and sends the beginning of a request. */
async function slowClient(url: string): Promise<{ answer: Promise<string>; close: () => void }> {
  const { port } = new URL(url);
  const socket = connect(Number(port), "127.0.0.1");
  await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  socket.write("POST /obj/create HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n{");
  let text = "";
  const answer = new Promise<string>((resolve) => {
    socket.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
      if (text.includes("\r\n\r\n")) resolve(text);
    });
    socket.on("close", () => resolve(text));
    socket.on("error", () => {});
  });
  return { answer, close: () => socket.destroy() };
}

test("relay: over the limit of open requests one is refused with 503, slow clients included", async () => {
  await using server = await startMockServer();
  await using relay = await startRelay({ server: server.url, limits: { maxOpenRequests: 2 } });
  const slow = await Promise.all([1, 2].map(() => slowClient(relay.url)));
  let refused = await post(relay, "/obj/create", object("a"));
  // The relay may not have received the slow requests yet.
  while (refused.status === 200) refused = await post(relay, "/obj/create", object("a"));
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get("retry-after"), "1");
  assert.ok(relay.relay.counters.refused[503] >= 1);
  for (const { close } of slow) close();
  while ((await post(relay, "/obj/create", object("b"))).status !== 200);
});

test("relay: over the limit of connections one is closed", async () => {
  await using server = await startMockServer();
  await using relay = await startRelay({ server: server.url, maxConnections: 2 });
  const slow = [await slowClient(relay.url), await slowClient(relay.url)];
  const third = await slowClient(relay.url);
  assert.equal(await third.answer, "", "it is closed without a response");
  for (const { close } of slow) close();
  for (let status: number | null = null; status !== 200;) {
    status = await post(relay, "/obj/create", object("a")).then((response) => response.status)
      .catch(() => null);
  }
});

test("relay: a connection on which no headers arrive is closed", async () => {
  const limits = { engine: "node", maxConnections: 10, headersMs: 500, idleSeconds: 60 } as const;
  const server = await listen({
    port: 0,
    hostname: "127.0.0.1",
    ...limits,
    handle: async (request) => new Response(await request.text()),
  });
  try {
    const begin = "POST / HTTP/1.1\r\nhost: localhost\r\n";
    const closed = (bytes: string): Promise<string> =>
      new Promise((resolve) => {
        let text = "";
        const socket = connect(server.port, "127.0.0.1");
        socket.on("error", () => {});
        socket.setEncoding("utf8").on("data", (chunk) => text += chunk);
        socket.on("end", () => socket.end());
        socket.on("close", () => resolve(text));
        socket.on("connect", () => socket.write(bytes));
      });
    assert.deepEqual(await Promise.all(["", begin].map(closed)), ["", ""]);
    // A body may take longer, and so may the time until the next request.
    const socket = connect(server.port, "127.0.0.1");
    let text = "";
    socket.setEncoding("utf8").on("data", (chunk) => text += chunk);
    socket.write(`${begin}content-length: 2\r\n\r\na`);
    const other = closed("");
    await other;
    socket.write("b");
    while (!text.endsWith("ab")) await new Promise((resolve) => setTimeout(resolve, 10));
    await closed("");
    socket.write(`${begin}content-length: 1\r\n\r\nc`);
    while (!text.endsWith("c")) await new Promise((resolve) => setTimeout(resolve, 10));
    socket.destroy();
  } finally {
    await server.close();
  }
});

test("relay: slow clients delay no other, and are disconnected", async () => {
  await using server = await startMockServer();
  await using relay = await startRelay({
    server: server.url,
    limits: { maxRequests: 1, bodyTimeoutMs: 2_000 },
  });
  const slow = await Promise.all([1, 2, 3].map(() => slowClient(relay.url)));
  assert.equal((await post(relay, "/obj/create", object("a"))).status, 200);
  for (const { answer, close } of slow) {
    assert.match(await answer, /^HTTP\/1\.1 408 /);
    close();
  }
  assert.equal(relay.relay.bodyLimits.budget.used, 0);
});
