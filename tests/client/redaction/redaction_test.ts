/**
 * Secrets planted in everything that a client writes must not be found anywhere.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { init } from "../../../src/client/init.ts";
import { EvaluationLogger } from "../../../src/client/evaluation/evaluation_logger.ts";
import type { InitOptions } from "../../../src/client/settings/options.ts";
import type { WeaveClient } from "../../../src/client/weave_client/client.ts";
import { runWithAttributes } from "../../../src/client/calls/call_stack.ts";
import { Dataset } from "../../../src/client/objects/dataset.ts";
import { op } from "../../../src/client/op/op.ts";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { type Any, clientFixture } from "../../support/client/client_fixture.ts";
import { spanRequests } from "../../support/otel/span_requests.ts";
import { test } from "../../harness.ts";

const API_KEY = "0123456789abcdef0123456789abcdef01234567";

class Settings {
  constructor(readonly password: string) {}
}

/** Ways to hide a secret in a value. */
const DISGUISES: ((secret: string, key: string) => unknown)[] = [
  (secret, key) => ({ [key]: secret }),
  (secret, key) => ({ deep: [{ [key]: { value: [secret] } }] }),
  (secret, key) => new Map([[key, secret]]),
  (secret, key) => [[key, secret]],
  (secret, key) => ({ name: key, value: secret }),
  (secret) => new Settings(secret),
  (secret, key) => JSON.stringify({ [key]: secret, n: 1 }),
  (secret, key) => JSON.stringify(JSON.stringify({ [key]: secret })),
  (secret, key) => `POST /\r\n${key}: ${secret}\r\nHost: x`,
  (secret, key) => new URL(`https://x/?${key.replaceAll(/\W/g, "_")}=${secret}`),
  (secret) => `connect to https://user:${secret}@host/`,
  (secret) => `Bearer ${secret}`,
  (secret) => new Set([`got sk-${secret}0000000000`]),
  (secret) => new Error(`failed with Bearer ${secret}`),
  (secret) => ({ toJSON: () => ({ secret }) }),
  (secret, key) => Object.assign(() => {}, { toJSON: () => ({ [key]: secret }) }),
  () => `the key is ${API_KEY}`,
  (secret) => ({ [`Bearer ${secret}`]: 1 }),
  (secret, key) => ({ Name: key, Value: secret }),
  (secret) => `const apiKey = process.env.KEY ?? "${secret}";`,
  (secret) => `def connect(password: str = "${secret}"):`,
  (secret) => `**Password:** ${secret}`,
  (secret) => `My API key: ${secret}`,
  (secret, key) => `${key}: a="1"; b=${secret}`,
  (secret) => `{"cut off":"a\\nBearer ${secret}`,
  (secret) => new Error("failed", { cause: new Error(`password=${secret}`) }),
];

const KEYS = ["api_key", "X-Api-Key", "Authorization", "set-cookie", "dbPassword", "refreshToken"];

/** Writes a value everywhere a program can. */
async function writeEverywhere(client: WeaveClient, value: unknown): Promise<void> {
  const text = typeof value === "string" ? value : JSON.stringify({ value });
  const echo = op((given: unknown) => given, {
    name: "echo",
    callDisplayName: () => text,
    summarize: () => ({ value } as Any),
    attributes: { value },
  });
  runWithAttributes({ value }, () => echo(value));
  const stream = op(async function* stream() {
    yield value;
    yield await Promise.resolve(text);
  });
  for await (const _ of stream());
  const failing = op(function failing() {
    throw value instanceof Error ? value : new Error(text);
  });
  assert.throws(failing);
  op(() => 1, {
    name: "complains",
    summarize: () => {
      throw new Error(text);
    },
  })();
  const call = client.callStart({
    op_name: "by-hand",
    inputs: { value },
    attributes: { value },
    display_name: text,
    otel_dump: { value },
  });
  client.callEnd({ ...call, output: value, summary: { value }, exception: text });
  client.callUpdate(call.id, text);
  client.objCreate("object", { value });
  const { digest, row_digests } = client.tableCreate([{ value }]);
  client.tableUpdate(digest, [{ append: { row: { value } } }], row_digests);
  client.fileCreate("credentials.json", text);
  client.fileCreate("notes.txt", text);
  client.fileCreate("bytes.txt", new TextEncoder().encode(text));
  client.feedbackCreate({
    weave_ref: `weave:///t/p/call/${call.id}`,
    feedback_type: "note",
    payload: { value },
  });
  await client.publish({ value }, "published");
  await new Dataset({ name: "data", rows: [{ value } as Any] }).save();
}

/** Writes under names that are texts of the program. */
async function writeNamed(client: WeaveClient, name: string): Promise<void> {
  op(() => 1, { name })();
  client.callStart({ op_name: "named", display_name: name, attributes: { [name]: 1 } });
  client.objCreate(name, {});
  client.fileCreate(`${name}.txt`, "content");
  await client.publish({ n: 1 }, name);
  await client.publish(op(() => 2), name);
  await new Dataset({ name, description: name, rows: [] }).save();
  const logger = new EvaluationLogger({ name, dataset: name, model: { name } });
  const prediction = logger.logPrediction({ [name]: 1 }, 1);
  void prediction.logScore(name, 1);
  void prediction.finish();
  void logger.logSummary();
}

test("redaction: no secret is in a name", async () => {
  for (const secret of ["sk-abcdefghijklmnopqrstuvwxyz", API_KEY, "password=abcdefghijklmnop"]) {
    using fixture = await clientFixture({ apiKey: API_KEY }, { env: {} });
    await writeNamed(fixture.client, `my ${secret}`);
    const found = secret.slice(-16);
    for (const { type, text } of fixture.pipeline.records) {
      assert.ok(!text.includes(found), `${type}: ${text}`);
    }
    assert.ok(!fixture.warned.join("\n").includes(found), fixture.warned.join("\n"));
    for (const { obj } of fixture.pipeline.of("obj_create")) {
      assert.match(obj.object_id, /^[\w.-]{1,128}$/);
    }
  }
});

test("redaction: secrets in serialized spans are removed, and the program's bytes are unchanged", async () => {
  using fixture = await clientFixture();
  const [request] = await spanRequests([{ name: "a", attributes: { password: "hunter2" } }]);
  const before = request.slice();
  for (const given of [request, Buffer.from(before)]) {
    fixture.client.spansCreate(given);
    assert.deepEqual(Uint8Array.from(given), before);
  }
  for (const { request_base64 } of fixture.pipeline.of("otel_traces")) {
    assert.match(atob(request_base64), /password.*\*{7}/s);
  }
});

test("redaction: spansCreate rejects what is not a request with spans, with or without rules", async () => {
  for (const redactDefaults of [true, false]) {
    using fixture = await clientFixture({ redactDefaults });
    const bytes = new TextEncoder().encode("no spans");
    for (const given of [bytes, bytes.buffer as unknown as Uint8Array]) {
      assert.throws(() => fixture.client.spansCreate(given), { code: "ERR_INVALID_OPTION" });
    }
    assert.equal(fixture.pipeline.of("otel_traces").length, 0);
  }
});

const planted = fc.record({
  secret: fc.stringMatching(/^[a-z0-9]{6,12}q7z$/),
  key: fc.constantFrom(...KEYS),
  disguise: fc.integer({ min: 0, max: DISGUISES.length - 1 }),
});

test("redaction: no planted secret is in a record, a message or a link", async () => {
  await fc.assert(
    fc.asyncProperty(planted, async ({ secret, key, disguise }) => {
      using fixture = await clientFixture({ apiKey: API_KEY }, { env: {} });
      await writeEverywhere(fixture.client, DISGUISES[disguise](secret, key));
      const logged = [...fixture.printed, ...fixture.warned].join("\n");
      for (const found of [secret, API_KEY]) {
        for (const { type, text } of fixture.pipeline.records) {
          assert.ok(!text.includes(found), `${type} of disguise ${disguise} (${key}): ${text}`);
        }
        assert.ok(!logged.includes(found), logged);
      }
      assert.ok(fixture.pipeline.records.length > 15);
    }),
    { numRuns: 150 },
  );
}, { timeout: 60_000 });

/** All bytes below a directory, as text. */
function bytesBelow(directory: string): string {
  return readdirSync(directory, { recursive: true, withFileTypes: true, encoding: "utf8" })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"))
    .join("\n");
}

test(
  "redaction: no planted secret is in the log, in dead letters, at the server or in messages",
  async () => {
    await using mock = await startMockServer({ apiKey: API_KEY, journalBodies: true });
    const walDir = mkdtempSync(join(tmpdir(), "weave-wal-redaction-"));
    try {
      const messages: string[] = [];
      const options: InitOptions = {
        wal: true,
        walDir,
        serverUrl: mock.url,
        apiKey: API_KEY,
        logLevel: "critical",
        printCallLink: false,
        onEvent: ({ message }) => messages.push(message),
      };
      const client = await init("team/redaction", { ...options, sender: false });
      const secret = "s3cr3tq7z";
      for (const disguise of DISGUISES) await writeEverywhere(client, disguise(secret, "api_key"));
      await client.finish();
      const written = bytesBelow(walDir);
      assert.ok(written.length > 100_000);
      // The server rejects one kind of record, which is dead-lettered.
      mock.faults.add(
        { fault: "status", status: 400, path: "/feedback/create", times: 1_000 } as Any,
      );
      mock.faults.add(
        { fault: "status", status: 400, path: "/feedback/batch/create", times: 1_000 } as Any,
      );
      const sender = await init("team/redaction", options);
      const { done } = await sender.flush({ timeout: 20_000 });
      assert.ok(done);
      const left = bytesBelow(walDir);
      assert.match(left, /feedback_create/);
      await sender.finish();
      const sent = mock.journal.entries.map(({ body }) => body ?? "").join("\n");
      assert.ok(sent.length > 100_000);
      const everything = { written, left, sent, messages: messages.join("\n") };
      for (const [where, text] of Object.entries(everything)) {
        for (const found of [secret, API_KEY, btoa(`api:${API_KEY}`)]) {
          const at = text.indexOf(found);
          assert.equal(
            at,
            -1,
            `${where} has ${found}: ${text.slice(Math.max(0, at - 200), at + 50)}`,
          );
        }
      }
    } finally {
      rmSync(walDir, { recursive: true });
    }
  },
  { timeout: 60_000 },
);
