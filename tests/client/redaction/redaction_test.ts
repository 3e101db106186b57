/**
 * Secrets planted in everything that a client writes must not be found anywhere.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { init } from "../../../src/client/init.ts";
import type { InitOptions } from "../../../src/client/settings/options.ts";
import type { WeaveClient } from "../../../src/client/weave_client/client.ts";
import { runWithAttributes } from "../../../src/client/calls/call_stack.ts";
import { Dataset } from "../../../src/client/objects/dataset.ts";
import { op } from "../../../src/client/op/op.ts";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { type Any, clientFixture } from "../../support/client/client_fixture.ts";
import { test } from "../../harness.ts";

const API_KEY = "0123456789abcdef0123456789abcdef01234567";

const R = "[REDACTED]";

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
  client.feedbackCreate({
    weave_ref: `weave:///t/p/call/${call.id}`,
    feedback_type: "note",
    payload: { value },
  });
  await client.publish({ value }, "published");
  await new Dataset({ name: "data", rows: [{ value } as Any] }).save();
}

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

test("redaction: redact gets each field, property, item and file, and decides what is written", async () => {
  const seen: [string, unknown][] = [];
  using fixture = await clientFixture({
    redact: (key, value) => {
      seen.push([key, value]);
      if (key === "drop") return undefined;
      if (key === "notes.txt") return "a file";
      return typeof value === "string" ? value.replaceAll("Ada", "someone") : value;
    },
  });
  const greet = op(function greet(name: string, more: object) {
    return { text: `Hello ${name}`, more };
  }, { callDisplayName: (name) => `greet ${name}` });
  greet("Ada", { drop: 1, list: ["Ada", 2], at: new Date(0) });
  const { client, pipeline } = fixture;
  const [call] = pipeline.callsOf("greet");
  const more = { list: ["someone", 2], at: "1970-01-01T00:00:00.000Z" };
  assert.deepEqual(call.inputs, { arg0: "someone", arg1: more });
  assert.deepEqual(call.output, { text: "Hello someone", more });
  assert.equal(call.display_name, "greet someone");
  const names = new Set(seen.map(([key]) => key));
  for (const name of ["inputs", "output", "attributes", "arg1", "0", "list", "obj.py"]) {
    assert.ok(names.has(name), name);
  }
  assert.deepEqual(seen.find(([key]) => key === "at"), ["at", "1970-01-01T00:00:00.000Z"]);
  client.fileCreate("notes.txt", "Ada");
  assert.equal(pipeline.of("file_create").at(-1)!.content, "a file");
  client.feedbackCreate({
    weave_ref: "weave:///t/p/call/Ada",
    feedback_type: "Ada",
    payload: { by: "Ada" },
  });
  const [feedback] = pipeline.of("feedback_create");
  assert.deepEqual(feedback.payload, { by: "someone" });
  assert.equal(feedback.weave_ref, "weave:///t/p/call/Ada", "only content is redacted");
  const { digest, row_digests } = client.tableCreate([{ by: "Ada" }]);
  const same = client.tableCreate([{ by: "someone" }]);
  assert.deepEqual({ digest, row_digests }, same);
});

test("redaction: a value for which redact throws is not written", async () => {
  const failures: ((value: unknown) => unknown)[] = [
    () => {
      throw new Error("no Ada here");
    },
    () => Promise.reject(new Error("late")),
    () => new Proxy({}, {}),
  ];
  for (const fail of failures) {
    using fixture = await clientFixture({
      redact: (key, value) => key === "name" || key === "file.txt" ? fail(value) : value,
    });
    op((given: unknown) => given, { name: "echo" })({ name: "Ada", n: 1 });
    const [call] = fixture.pipeline.callsOf("echo");
    assert.equal(call.output.n, 1);
    assert.ok(!JSON.stringify(fixture.pipeline.records).includes('"Ada'));
    fixture.client.fileCreate("file.txt", "Ada");
    assert.notEqual(fixture.pipeline.of("file_create").at(-1)!.content, "Ada");
  }
  using fixture = await clientFixture({
    redact: () => {
      throw new Error("always");
    },
  });
  const call = op((given: unknown) => given, { name: "echo", summarize: () => ({ a: 1 }) });
  call("Ada");
  const [recorded] = fixture.pipeline.calls();
  // Fields that the server accepts only as objects stay objects.
  assert.deepEqual(recorded.inputs, { redacted: R });
  assert.equal(recorded.output, R);
  assert.equal(typeof recorded.summary, "object");
  assert.equal(fixture.warned.filter((line) => line.includes("redact failed")).length, 1);
});
