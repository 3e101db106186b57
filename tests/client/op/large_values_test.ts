import assert from "node:assert/strict";
import { bytesDigest } from "../../../src/protocol/digest/digest.ts";
import { MAX_INLINE_CHARS } from "../../../src/client/op/large_values.ts";
import { op } from "../../../src/client/op/op.ts";
import { type Any, clientFixture, type Fixture } from "../../support/client/client_fixture.ts";
import { test } from "../../harness.ts";

const LONG = "長".repeat(MAX_INLINE_CHARS);
const echo = op((..._: unknown[]) => 1, { name: "echo", parameterNames: ["text", "n"] });

/** The value that a call refers to, read from its file. */
function fileOf(fixture: Fixture, part: Any): unknown {
  assert.equal(part._type, "LargeValue");
  const file = fixture.pipeline.of("file_create").find(({ name, content }) =>
    name === part.file && bytesDigest(new TextEncoder().encode(content)) === part.digest
  );
  assert.ok(file, `a file ${part.file}`);
  assert.equal(part.length, file.content.length);
  assert.ok(file.content.startsWith(part.preview));
  return JSON.parse(file.content);
}

test("large values: a long output becomes a file referenced by the call", async () => {
  using fixture = await clientFixture();
  op(() => ({ text: LONG }), { name: "long" })();
  const [{ output }] = fixture.pipeline.callsOf("long");
  assert.equal(output.file, "output.json");
  assert.deepEqual(fileOf(fixture, output), { text: LONG });
});

test("large values: a long input becomes a file, and the others stay", async () => {
  using fixture = await clientFixture();
  echo(LONG, 2);
  const [{ inputs }] = fixture.pipeline.callsOf("echo");
  assert.equal(inputs.n, 2);
  assert.equal(fileOf(fixture, inputs.text), LONG);
});

test("large values: many short inputs become one file", async () => {
  using fixture = await clientFixture();
  const given = Object.fromEntries(
    Array.from({ length: 100 }, (_, i) => [`k${i}`, "x".repeat(MAX_INLINE_CHARS / 50)]),
  );
  op((_: object) => 1, { name: "many", parameterNames: "useParam0Object" })(given);
  const [{ inputs }] = fixture.pipeline.callsOf("many");
  assert.deepEqual(Object.keys(inputs), ["inputs"]);
  assert.deepEqual(fileOf(fixture, inputs.inputs), given);
});

test("large values: a long stream becomes a file, and a value at the limit stays", async () => {
  using fixture = await clientFixture();
  const stream = op(async function* stream() {
    for (let i = 0; i < 4; i++) yield await Promise.resolve("x".repeat(MAX_INLINE_CHARS / 3));
  });
  for await (const _ of stream());
  const chunks = fileOf(fixture, fixture.pipeline.callsOf("stream")[0].output) as string[];
  assert.equal(chunks.length, 4);
  op(() => "x".repeat(MAX_INLINE_CHARS - 2), { name: "limit" })();
  assert.equal(typeof fixture.pipeline.callsOf("limit")[0].output, "string");
});

test("large values: file contents are redacted once", async () => {
  let calls = 0;
  using fixture = await clientFixture({
    redact: (key, value) => {
      assert.notEqual(key, "output.json");
      if (key === "name") calls++;
      return key === "name" ? `${value}!` : value;
    },
  });
  op(() => ({ password: "s3cr3t", name: "Ada", text: LONG }), { name: "long" })();
  const file = fileOf(fixture, fixture.pipeline.callsOf("long")[0].output);
  assert.deepEqual(file, { password: "[REDACTED]", name: "Ada!", text: LONG });
  assert.equal(calls, 1);
});

test("large values: those of calls recorded by hand become files too", async () => {
  using fixture = await clientFixture();
  const { client, pipeline } = fixture;
  const call = client.callStart({ op_name: "by-hand", inputs: { text: LONG, n: 2 } });
  client.callEnd({ ...call, output: [LONG] });
  const { currentCall, parentCall } = client.pushNewCall();
  const done = op(() => 1, { name: "stepwise" });
  const now = new Date();
  await client.createCall(null, done, [LONG], ["text"], undefined, currentCall, parentCall, now);
  await client.finishCall(null, LONG, currentCall, parentCall, undefined, now);
  const [byHand, stepwise] = pipeline.calls();
  assert.equal(byHand.inputs.n, 2);
  assert.equal(fileOf(fixture, byHand.inputs.text), LONG);
  assert.deepEqual(fileOf(fixture, byHand.output), [LONG]);
  assert.equal(fileOf(fixture, stepwise.inputs.text), LONG);
  assert.equal(fileOf(fixture, stepwise.output), LONG);
  for (const { text } of pipeline.records.filter(({ type }) => type.startsWith("call"))) {
    assert.ok(text.length < 20_000, `${text.length}`);
  }
});

test("large values: a long message of an error is cut, with a mark, after it was redacted", async () => {
  using fixture = await clientFixture();
  const secret = "sk-abcdefghijklmnopqrstuvwxyz";
  const message = `${`${secret} `.repeat(2000)}${LONG}`;
  assert.throws(op(() => {
    throw new RangeError(message);
  }, { name: "fails" }));
  const exception = JSON.parse(fixture.pipeline.callsOf("fails")[0].exception);
  assert.equal(exception.type, "RangeError");
  assert.ok(exception.message.length < 50_000);
  assert.match(exception.message, /^\[REDACTED\] .*長 \[Truncated\]$/s);
  assert.ok(!exception.message.includes("abcdef"));
  assert.ok(exception.traceback.length > 0);
});
