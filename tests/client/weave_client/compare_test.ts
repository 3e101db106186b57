import assert from "node:assert/strict";
import { test } from "../../harness.ts";
import { both, type Comparable, sorted } from "../../support/client/compare_fixture.ts";

test(
  "compare: a program produces the same data on the server as with the official SDK",
  async () => {
    const { official, own } = await both("compare_program.mjs");
    assert.deepEqual(own.report, official.report);
    assert.deepEqual(own.files, official.files);
    assert.deepEqual(own.tables, official.tables);
    assert.deepEqual(own.objects, official.objects);
    assert.deepEqual(own.feedback, official.feedback);
    assert.deepEqual(sorted(own.calls), sorted(official.calls));
  },
  { timeout: 90_000 },
);

/** The differences listed in docs/differences.md: the official SDK's value, then this package's. */
const OUTPUTS: Record<string, [unknown, unknown]> = {
  date: [{}, "1970-01-01T00:00:00.000Z"],
  map: [{}, { a: 1 }],
  set: [{}, [1]],
  bytes: [{ 0: 1, 1: 2 }, { _type: "Uint8Array", base64: "AQI=" }],
  function: [undefined, "<function named>"],
  undefined: [undefined, null],
  symbol: [undefined, "Symbol(s)"],
  expression: [{}, "/a/g"],
  address: [{}, "http://x/y"],
  boxed: [{ 0: "a", 1: "b" }, "ab"],
  ref: [
    { projectId: "team/compare", objectId: "o", digest: "abc" },
    "weave:///team/compare/object/o:abc",
  ],
  shared: [
    { first: { n: 1 }, second: "[Circular]" },
    { first: { n: 1 }, second: { n: 1 } },
  ],
  broken: ["a", "a"],
  plain: [{}, "end"],
};

test("compare: the only differences from the official SDK are the documented ones", async () => {
  const { official, own } = await both("differences_program.mjs");
  const output = (calls: Comparable[], name: string) =>
    calls.find(({ op_name }) => (op_name as string).includes(`/op/${name}:`));
  for (const [name, [theirs, ours]] of Object.entries(OUTPUTS)) {
    assert.deepEqual(output(official.calls, name)?.output ?? undefined, theirs, name);
    assert.deepEqual(output(own.calls, name)?.output, ours, name);
  }
  const { stack: _, ...error } = output(own.calls, "error")!.output as Record<string, unknown>;
  assert.deepEqual(error, { name: "RangeError", message: "too far" });
  assert.deepEqual(output(official.calls, "error")!.output, {});
  assert.match(`${output(official.calls, "publishedCopy")!.output}`, /object\/settings:/);
  assert.deepEqual(output(own.calls, "publishedCopy")!.output, { temperature: 2 });
  assert.equal(output(official.calls, "emptyError")!.exception, "");
  assert.equal(output(own.calls, "emptyError")!.exception, "Error");
  assert.equal(output(official.calls, "broken")!.exception, null);
  assert.equal(output(own.calls, "broken")!.exception, "cut off");
  assert.deepEqual(output(official.calls, "extra")!.inputs, { a: 1, undefined: 2 });
  assert.deepEqual(output(own.calls, "extra")!.inputs, { a: 1, arg1: 2 });
  assert.deepEqual(output(official.calls, "lists")!.summary, { list: { 0: 3 } });
  assert.deepEqual(output(own.calls, "lists")!.summary, { list: [2] });
  assert.equal(output(official.calls, "next")!.ended, false);
  assert.equal(output(own.calls, "next")!.ended, false, "nobody read it to its end");
  assert.deepEqual(official.report, {
    propertiesAfterPublish: ["temperature", "__savedRef"],
    publishesWhatHoldsObjects: "Programming error:  WeaveObject not saved",
    savedRefOfOp: true,
    syncReturns: "a promise",
    syncThrows: "a rejected promise",
    nextOfStream: "TypeError",
    callsOfInvoke: 1,
    jsonOfCall: "string",
    summarizeThrows: "my mistake",
    displayNameThrows: "my mistake",
  });
  assert.deepEqual(own.report, {
    propertiesAfterPublish: ["temperature"],
    publishesWhatHoldsObjects: "holder",
    savedRefOfOp: false,
    syncReturns: "the value",
    syncThrows: "the error",
    nextOfStream: "a",
    callsOfInvoke: 2,
    jsonOfCall: "object",
    summarizeThrows: "value",
    displayNameThrows: "value",
  });
}, { timeout: 90_000 });
