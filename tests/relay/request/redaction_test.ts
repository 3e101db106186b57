/**
 * Secrets in the input of a relay are in no file and reach no server.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type MockServer, startMockServer } from "../../../tools/mock_server/serve.ts";
import { test } from "../../harness.ts";
import { completeOf, PROJECT, send, startOf } from "../../support/mock_server/mock_requests.ts";
import { spanRequests } from "../../support/otel/span_requests.ts";
import { type ApiWrite, callId, fileForm, sendWrite } from "../../support/relay/every_write.ts";
import { startRelay } from "../../support/relay/relay_fixture.ts";

const SECRET = "abcdefghij0123456789klmnopqrst";

/** Ways to hide the secret in a value. */
const DISGUISES: Record<string, unknown> = {
  "by name": { OPENAI_API_KEY: SECRET },
  "in depth": { deep: [{ "set-cookie": { value: [SECRET] } }] },
  "header": { headers: [["Cookie", SECRET], { name: "x-api-key", value: SECRET }] },
  "bearer token": `sent with Bearer ${SECRET}`,
  "known form": `sk-proj-${SECRET}${SECRET}`,
  "URL": `https://user:${SECRET}@host/`,
  "JSON in text": JSON.stringify({ password: SECRET }),
  "name of a property": { [`Bearer ${SECRET}`]: 1 },
};

function writesOf(value: unknown): ApiWrite[] {
  const id = callId(1);
  const project = { project_id: PROJECT };
  return [
    {
      path: `/v2/${PROJECT}/calls/complete`,
      body: {
        batch: [{ ...completeOf(id), inputs: { value }, output: value, exception: String(value) }],
      },
    },
    {
      path: `/v2/${PROJECT}/call/start`,
      body: { start: { ...startOf(callId(2)), inputs: { value } } },
    },
    { path: "/obj/create", body: { obj: { ...project, object_id: "a", val: { value } } } },
    { path: "/table/create", body: { table: { ...project, rows: [{ value }, { plain: 1 }] } } },
    {
      path: "/feedback/create",
      body: {
        ...project,
        weave_ref: `weave:///${PROJECT}/call/${id}`,
        feedback_type: "note",
        payload: { value },
      },
    },
    { path: "/files/create", body: fileForm("value.json", JSON.stringify({ value })) },
    { path: "/files/create", body: fileForm("credentials.txt", SECRET) },
  ];
}

/** Requests whose digest does not match their value. */
function mismatches({ journal }: MockServer): unknown[] {
  return journal.entries.filter(({ status }) => status === 409);
}

/** All bytes below a directory, as text. */
function bytesIn(directory: string): string {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath ?? entry.path, entry.name), "latin1"))
    .join("\n");
}

for (const [what, value] of Object.entries(DISGUISES)) {
  test(`relay: a secret is not recorded: ${what}`, async () => {
    await using server = await startMockServer({ journalBodies: true });
    const down = server.faults.add({ status: 503, retryAfter: 1 });
    await using relay = await startRelay({ server: server.url });
    const replies = [];
    for (const write of writesOf(value)) {
      const { status, json } = await sendWrite(relay.url, write);
      assert.equal(status, 200, `${write.path}: ${JSON.stringify(json)}`);
      replies.push(json);
    }
    const [spans] = await spanRequests([{
      name: "call",
      attributes: { value: typeof value === "string" ? value : JSON.stringify(value) },
    }], { "wandb.entity": "team", "wandb.project": "spans" });
    const headers = { "content-type": "application/x-protobuf" };
    await send(`${relay.url}/v1/traces`, { method: "POST", body: spans as BodyInit, headers });
    assert.doesNotMatch(bytesIn(relay.walDir) + JSON.stringify(replies), new RegExp(SECRET));
    down.remove();
    await relay.stop();
    assert.deepEqual(mismatches(server), []);
    assert.doesNotMatch(JSON.stringify(server.journal.entries), new RegExp(SECRET));
    const [object] = server.store.project(PROJECT).objects.get("a")!;
    assert.equal(object.digest, replies[2].digest);
  });
}

test("relay: a program's digest of a value with a secret does not cause a rejection", async () => {
  await using server = await startMockServer();
  await using relay = await startRelay({ server: server.url });
  const expected_digest = "A".repeat(43);
  const obj = { project_id: PROJECT, object_id: "a", val: { password: SECRET }, expected_digest };
  const table = {
    project_id: PROJECT,
    rows: [{ password: SECRET }],
    expected_digest: "0".repeat(64),
  };
  const written = [
    await sendWrite(relay.url, { path: "/obj/create", body: { obj } }),
    await sendWrite(relay.url, { path: "/table/create", body: { table } }),
  ];
  await relay.stop();
  const { objects, tables } = server.store.project(PROJECT);
  assert.equal(objects.get("a")![0].digest, written[0].json.digest);
  assert.ok(tables.has(written[1].json.digest as string));
  assert.deepEqual(mismatches(server), []);
});

test("relay: if nothing is redacted, and with --no-redact, requests stay byte for byte unchanged", async () => {
  for (const redacts of [true, false]) {
    await using server = await startMockServer();
    await using relay = await startRelay({ server: server.url, ...(redacts ? {} : { redacts }) });
    const name = redacts ? "passwords_seen" : "password";
    const val = `{"${name}":${redacts ? 3 : `"${SECRET}"`},"ratio":1.0,"big":12345678901234567890}`;
    const text = `{"obj":{"project_id":"${PROJECT}","object_id":"a","val":${val}}}`;
    const object = await send(`${relay.url}/obj/create`, { method: "POST", body: text });
    assert.ok(bytesIn(relay.walDir).includes(val), `${redacts}`);
    await relay.stop();
    assert.equal(server.store.project(PROJECT).objects.get("a")![0].digest, object.json.digest);
  }
});

test("relay: redacted texts of spans are replaced completely, and everything else is unchanged", async () => {
  await using server = await startMockServer();
  await using relay = await startRelay({ server: server.url });
  const [request] = await spanRequests([{
    name: "call",
    attributes: { "http.password": "open sesame", note: "Bearer abcdefghijklmnop", ok: "text" },
  }], { "wandb.entity": "team", "wandb.project": "spans" });
  const headers = { "content-type": "application/x-protobuf" };
  await send(`${relay.url}/v1/traces`, { method: "POST", body: request as BodyInit, headers });
  await relay.stop();
  const [span] = server.store.project("team/spans").spans.list();
  assert.deepEqual(
    { ...span.attributes },
    { "http.password": "***********", note: "***********************", ok: "text" },
  );
});
