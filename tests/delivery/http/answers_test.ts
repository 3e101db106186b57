/**
 * Responses that are not from the trace server: nothing is acknowledged, and the
 * program's memory does not fill up.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createServer, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createGzip, gzipSync } from "node:zlib";
import { hostFetch } from "../../../src/client/server/host_fetch.ts";
import { ApiClient } from "../../../src/client/server/api_client.ts";
import { OversizeError, readBytes, readText } from "../../../src/delivery/http/response_body.ts";
import { Transport } from "../../../src/delivery/http/transport.ts";
import { replyKind } from "../../../src/protocol/replies.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { test } from "../../harness.ts";
import { appendCalls, withDelivery } from "../../support/delivery/delivery_fixture.ts";
import { replyTo } from "../../support/delivery/fake_replies.ts";

const PATHS = [
  "/call/upsert_batch",
  "/v2/team/project/calls/complete",
  "/v2/team/project/call/start",
  "/v2/team/project/call/end",
  "/call/update",
  "/calls/delete",
  "/obj/create",
  "/table/create",
  "/table/update",
  "/table/create_from_digests",
  "/file/create",
  "/files/create",
  "/feedback/create",
  "/feedback/batch/create",
  "/feedback/replace",
  "/cost/create",
];
/** Response bodies of intermediaries. */
const PORTALS = [
  '{"error":"login required"}',
  '{"status":"unauthenticated","login":"https://portal.test"}',
  '{"message":"ok"}',
  '{"success":true,"data":[]}',
  '{"id":null,"digest":"","res":{}}',
  "[]",
  "null",
  '"ok"',
  "1",
  "",
  "OK",
  "<!doctype html><title>Log in</title>",
];

test("replies: each endpoint's own response is recognized, with additional fields too", () => {
  for (const path of PATHS) {
    const reply = replyTo(path);
    assert.equal(replyKind(path, reply), "reply", path);
    const more = JSON.stringify({ ...JSON.parse(reply), of_a_newer_server: [1] });
    assert.equal(replyKind(path, more), reply === "{}" ? "unclear" : "reply", path);
    assert.equal(replyKind(path, ` ${reply}\n`), "reply", path);
    if (reply !== "{}") assert.equal(replyKind(path, "{}"), "foreign", path);
    assert.equal(replyKind(path, reply.slice(0, -1)), "incomplete", path);
  }
  assert.equal(replyKind("/calls/delete", '{"num_deleted":2}'), "reply");
  assert.equal(replyKind("/table/create", '{"digest":"d"}'), "reply", "an older server");
});

test("replies: a portal's response is not mistaken for the server's, at any endpoint", () => {
  for (const path of PATHS) {
    for (const portal of PORTALS) {
      assert.notEqual(replyKind(path, portal), "reply", `${path}: ${portal}`);
    }
  }
});

for (const body of PORTALS) {
  for (const useCallsComplete of [true, false]) {
    const api = useCallsComplete ? "v2" : "v1";
    test(`replies: 200 with ${body || "nothing"} to everything acknowledges nothing, ${api}`, async () => {
      await withDelivery({ callMode: useCallsComplete ? "new" : "old" }, async (fixture) => {
        const portal = fixture.mock.faults.add({ status: 200, body });
        const pipeline = fixture.open({ useCallsComplete });
        appendCalls(pipeline, "a", 3);
        const { message } = await fixture.event("server-blocked");
        assert.ok(message.includes(fixture.mock.url), message);
        const { delivered, pendingRecords, server } = await pipeline.stats();
        assert.deepEqual([delivered, pendingRecords, server.state], [0, 6, "blocked"]);
        portal.remove();
        const result = await pipeline.finish();
        assert.deepEqual([result.done, result.deadLettered], [true, 0]);
        assert.equal(fixture.mock.store.finishedCount("team/project"), 3);
      });
    });
  }
}

test("replies: a new field of a newer server is accepted once it is confirmed", async () => {
  await withDelivery({ callMode: "new" }, async (fixture) => {
    fixture.mock.faults.add({ path: /\/calls\/complete$/, status: 200, body: { ids: ["a"] } });
    const pipeline = fixture.open({ useCallsComplete: true });
    appendCalls(pipeline, "a", 3);
    assert.equal((await pipeline.flush()).done, true);
    appendCalls(pipeline, "b", 3);
    assert.equal((await pipeline.finish()).done, true);
    const asked = fixture.mock.journal.entries.filter(({ path }) => path === "/server_info");
    assert.equal(asked.length, 1);
  });
});

/** A server with endless responses, optionally compressed. */
function flood(isCompressed: boolean) {
  const spaces = new Uint8Array(1 << 16).fill(32);
  return serve((response) => {
    const encoding = isCompressed ? { "content-encoding": "gzip" } : {};
    response.writeHead(200, { "content-type": "application/json", ...encoding });
    const sink = isCompressed ? createGzip({ level: 9 }) : response;
    if (sink !== response) sink.pipe(response);
    const more = (): void => {
      if (!response.destroyed) sink.write(spaces, () => setTimeout(more, 0));
    };
    response.on("error", () => {});
    more();
  });
}

/** A server whose responses have a short length, and a long one once they are decompressed. */
function packed() {
  const body = gzipSync(new Uint8Array(32 << 20).fill(32));
  const headers = { "content-encoding": "gzip", "content-length": String(body.length) };
  return serve((response) => response.writeHead(200, headers).end(body));
}

async function serve(answer: (response: ServerResponse) => void) {
  const server = createServer((_, response) => answer(response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

for (const isCompressed of [false, true]) {
  const what = isCompressed ? "compressed" : "plain";
  test(`size: a ${what} response without an end is aborted at the limit`, async () => {
    await using server = await flood(isCompressed);
    const { clock } = detectRuntime();
    const options = { fetch: hostFetch, clock, apiKey: "key", timeoutMs: 60_000 };
    const transport = new Transport({ ...options, serverUrl: server.url });
    const body = new TextEncoder().encode("{}");
    const stop = new AbortController().signal;
    const attempt = await transport.attempt({ path: "/obj/create", body, retryId: "r" }, stop);
    assert.equal(attempt.kind, "oversize");
    assert.equal((await transport.check("/health", stop)).kind, "oversize");
    await assert.rejects(readText(await fetch(server.url), 100_000), OversizeError);
    await assert.rejects(readBytes(await fetch(server.url), 100_000), OversizeError);
    const reader = new ApiClient({ ...options, url: server.url });
    await assert.rejects(reader.json("/server_info"), {
      code: "ERR_REQUEST_FAILED",
      message: /Cannot read \/server_info: the response is longer than \d+ bytes/,
    });
    await assert.rejects(async () => {
      for await (const _ of reader.lines("/calls/stream_query", {})) assert.fail();
    }, /longer than \d+ bytes/);
  }, { timeout: 120_000 });
}

test("size: the limit counts decompressed bytes, whatever length the response declares", async () => {
  await using server = await packed();
  for (const fetch of [globalThis.fetch, hostFetch]) {
    await assert.rejects(readText(await fetch(server.url), 100_000), OversizeError);
    await assert.rejects(readBytes(await fetch(server.url), 100_000), OversizeError);
  }
});

test("size: a response within the limit is read completely", async () => {
  for (const text of ["", "é", "x".repeat(70_000)]) {
    assert.equal(await readText(new Response(text), 100_000), text);
    const bytes = await readBytes(new Response(text), 100_000);
    assert.equal(new TextDecoder().decode(bytes), text);
  }
});
