/**
 * The program's own `redact`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { requireCurrentChildSummary } from "../../../src/client/init.ts";
import { op } from "../../../src/client/op/op.ts";
import { clientFixture } from "../../support/client/client_fixture.ts";
import { test } from "../../harness.ts";

const R = "[REDACTED]";

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

test("redaction: redact gets what code in a call adds to its summary", async () => {
  using fixture = await clientFixture({
    redact: (key, value) => key === "email" || key === "n" ? `no ${key}` : value,
  });
  const child = op(function child() {
    requireCurrentChildSummary().email = "ada@example.com";
    return 1;
  }, { summarize: () => ({ n: 1, usage: { m: { prompt_tokens: 2 } } }) });
  op(function parent() {
    return child();
  })();
  const usage = { m: { requests: 1, prompt_tokens: 2 } };
  for (const name of ["child", "parent"]) {
    const { status_counts: _, ...summary } = fixture.pipeline.callsOf(name)[0].summary;
    assert.deepEqual(summary, { email: "no email", n: "no n", usage }, name);
  }
});
