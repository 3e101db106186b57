/**
 * Callers that do not read the responses that a relay forwards.
 *
 * @module
 */

import assert from "node:assert/strict";
import { connect } from "node:net";
import { listen } from "../../src/http_server/listen.ts";
import { guardedBody } from "../../src/relay/upstream/response_body.ts";
import { test } from "../harness.ts";
import { post, PROJECT } from "../support/mock_server/mock_requests.ts";
import { startRelay } from "../support/relay/relay_fixture.ts";

test("relay: a response that its caller does not read ends, and counts as open until then", async () => {
  let cancelled = (): void => {};
  const isCancelled = new Promise<void>((resolve) => cancelled = resolve);
  let asked = (): void => {};
  const isAsked = new Promise<void>((resolve) => asked = resolve);
  // A server whose response never ends.
  const server = await listen({
    port: 0,
    hostname: "127.0.0.1",
    handle: ({ url }) => {
      if (url.endsWith("/graphql")) asked();
      const body = new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(64 * 1024)),
        cancel: () => cancelled(),
      });
      return Promise.resolve(new Response(body));
    },
  });
  try {
    await using relay = await startRelay({
      server: `http://127.0.0.1:${server.port}`,
      limits: { bodyTimeoutMs: 1_000, maxOpenRequests: 1 },
    });
    const socket = connect(Number(new URL(relay.url).port), "127.0.0.1");
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    socket.on("error", () => {});
    socket.pause();
    // It is forwarded without waiting for writes.
    const body = '{"query":"mutation { endless }"}';
    const head = `POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${body.length}`;
    socket.write(`${head}\r\n\r\n${body}`);
    await isAsked;
    const object = { obj: { project_id: PROJECT, object_id: "a", val: 1 } };
    const status = async (): Promise<number> => (await post(relay, "/obj/create", object)).status;
    while (await status() !== 503);
    await isCancelled;
    while (await status() !== 200);
    socket.resume();
    await closed;
  } finally {
    await server.close();
  }
});

test("relay: a forwarded body is passed on unchanged, and its end is reported once", async () => {
  let ends = 0;
  const body = new Blob(["a".repeat(100_000), "b"]).stream();
  const guarded = guardedBody(body as ReadableStream<Uint8Array>, 60_000, () => ends++);
  assert.equal((await new Response(guarded).text()).length, 100_001);
  assert.equal(ends, 1);
  const failing = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.error(new Error("reset")),
  });
  await assert.rejects(new Response(guardedBody(failing, 60_000, () => ends++)).text());
  assert.equal(ends, 2);
  const left = guardedBody(
    new Blob(["x"]).stream() as ReadableStream<Uint8Array>,
    60_000,
    () => ends++,
  );
  await left.cancel();
  assert.equal(ends, 3);
});
