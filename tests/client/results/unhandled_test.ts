import assert from "node:assert/strict";
import { startChild } from "../../support/processes/child_fixture.ts";
import { test } from "../../harness.ts";

const run = async (way: string) => {
  const child = startChild("support/client/programs/op_child.ts", way);
  const { code, errors } = await child.ended;
  return { code, lines: child.lines, errors };
};

test("unhandled: an unhandled rejection ends the program as it does without tracing", async () => {
  const [traced, plain] = await Promise.all([run("unhandled traced"), run("unhandled plain")]);
  assert.equal(plain.code, 1, plain.errors);
  assert.equal(traced.code, plain.code, traced.errors);
  assert.deepEqual(traced.lines, plain.lines);
  assert.match(traced.errors, /nobody handles this/);
});

test("unhandled: a listener is called once, and not for handled rejections", async () => {
  const { lines, errors } = await run("listener traced");
  assert.deepEqual(lines, ['["nobody handles this"]'], errors);
});

test("unhandled: a program whose ops succeed ends as usual", async () => {
  const { code, lines, errors } = await run("passes traced");
  assert.deepEqual([code, lines], [3, ["passed"]], errors);
});
