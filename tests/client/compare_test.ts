import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { CallRecord } from "../../tools/mock_server/call_store.ts";
import { type MockServer, startMockServer } from "../../tools/mock_server/serve.ts";
import { test } from "../harness.ts";
import { exceptionMessage } from "../support/client/exception_message.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const PROJECT = "team/compare";

interface Run {
  said: Record<string, unknown>;
  calls: Comparable[];
  objects: Record<string, string>;
  tables: string[];
  files: Record<string, string>;
  feedback: unknown[];
}

type Comparable = Record<string, unknown> & { children: Comparable[] };

/**
 * What may differ of a call is taken out; its place in the tree takes the place of ids. What only
 * this package writes, as the Python SDK does, has tests of its own.
 */
function tree(calls: CallRecord[], parent: string | null = null): Comparable[] {
  return calls.filter(({ parent_id }) => parent_id === parent).map((call) => {
    const { weave, ...attributes } = call.attributes as Record<string, Record<string, unknown>>;
    const { status_counts: _, ...summary } = call.summary ?? {};
    assert.equal(call.trace_id, rootOf(calls, call).trace_id);
    assert.ok(call.ended_at === null || call.started_at! <= call.ended_at);
    return {
      op_name: call.op_name,
      ended: call.ended_at !== null,
      display_name: call.display_name,
      attributes: { ...attributes, weave: { source: weave.source } },
      inputs: call.inputs,
      output: call.output,
      exception: exceptionMessage(call.exception),
      summary,
      children: tree(calls, call.id),
    };
  });
}

function rootOf(calls: CallRecord[], call: CallRecord): CallRecord {
  const parent = calls.find(({ id }) => id === call.parent_id);
  return parent ? rootOf(calls, parent) : call;
}

async function run(
  module: string,
  more: Record<string, string>,
  file = "../support/client/compare_program.mjs",
): Promise<Run> {
  await using mock = await startMockServer({ apiKey: "k".repeat(40) });
  const said = JSON.parse((await program(file, module, mock, more)).trim().split("\n").at(-1)!);
  const refused = mock.journal.entries.filter(({ status }) => status !== 200);
  assert.deepEqual(refused.map(({ path, status }) => `${path} ${status}`), [], module);
  const { objects, tables, files, feedback } = mock.store.project(PROJECT);
  const ids = new Map(mock.store.calls(PROJECT).map((call, i) => [call.id, `call-${i}`]));
  const named = (text: unknown) => [...ids].reduce((t, [id]) => t.replaceAll(id, "ID"), `${text}`);
  return {
    said,
    calls: tree(mock.store.calls(PROJECT)),
    objects: Object.fromEntries(
      [...objects].map(([id, versions]) =>
        [id, versions.map(({ digest }) => digest).join()] as const
      ).sort(),
    ),
    tables: [...tables.keys()].sort(),
    files: Object.fromEntries(
      [...files].map(([digest, { content }]) =>
        [digest, new TextDecoder().decode(content!)] as const
      ).sort(),
    ),
    feedback: [...feedback.values()].map((item) => ({
      type: item.feedback_type,
      payload: item.payload,
      on: named(item.weave_ref),
      call: named(item.call_ref),
      runnable: item.runnable_ref,
    })),
  };
}

function program(
  file: string,
  module: string,
  mock: MockServer,
  more: Record<string, string>,
): Promise<string> {
  const env = {
    ...process.env,
    WF_TRACE_SERVER_URL: mock.url,
    WANDB_API_KEY: "k".repeat(40),
    ...more,
  };
  const args = ["--import", "tsx", here(file), module];
  return new Promise((resolve, reject) => {
    const options = { env, cwd: here(".."), timeout: 60_000 };
    execFile("node", args, options, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stdout}\n${stderr}`));
      else resolve(stdout);
    });
  });
}

/** Calls in an order that does not hang on which of two that ran together came first. */
function sorted(calls: Comparable[]): Comparable[] {
  const key = (call: Comparable) => JSON.stringify([call.op_name, call.inputs, call.children]);
  return calls.map((call) => ({ ...call, children: sorted(call.children) }))
    .sort((a, b) => key(a) < key(b) ? -1 : 1);
}

async function both(file: string): Promise<{ official: Run; own: Run }> {
  const walDir = mkdtempSync(join(tmpdir(), "weave-wal-compare-"));
  try {
    const official = await run("weave", {}, file);
    const env = { WEAVE_ENABLE_WAL: "true", WEAVE_WAL_DIR: walDir };
    return { official, own: await run(here("../../mod.ts"), env, file) };
  } finally {
    rmSync(walDir, { recursive: true });
  }
}

test("compare: the same program gives the same at the server as the official SDK", async () => {
  const { official, own } = await both("../support/client/compare_program.mjs");
  assert.deepEqual(own.said, official.said);
  assert.deepEqual(own.files, official.files);
  assert.deepEqual(own.tables, official.tables);
  assert.deepEqual(own.objects, official.objects);
  assert.deepEqual(own.feedback, official.feedback);
  assert.deepEqual(sorted(own.calls), sorted(official.calls));
}, { timeout: 90_000 });

/** What docs/differences.md lists: the official SDK's, then this package's. */
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

test("compare: the differences from the official SDK are those that are listed", async () => {
  const { official, own } = await both("../support/client/differences_program.mjs");
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
  assert.deepEqual(official.said, {
    propertiesAfterPublish: ["temperature", "__savedRef"],
    publishesWhatHoldsObjects: "Programming error:  WeaveObject not saved",
    savedRefOfOp: true,
    clientOfIntegrations: ["saveOp", "createCall", "finishCall", "runWithCallStack"],
    syncReturns: "a promise",
    syncThrows: "a rejected promise",
    nextOfStream: "TypeError",
    callsOfInvoke: 1,
    jsonOfCall: "string",
    summarizeThrows: "my mistake",
    displayNameThrows: "my mistake",
  });
  assert.deepEqual(own.said, {
    propertiesAfterPublish: ["temperature"],
    publishesWhatHoldsObjects: "holder",
    savedRefOfOp: false,
    clientOfIntegrations: [],
    syncReturns: "the value",
    syncThrows: "the error",
    nextOfStream: "a",
    callsOfInvoke: 2,
    jsonOfCall: "object",
    summarizeThrows: "value",
    displayNameThrows: "value",
  });
}, { timeout: 90_000 });
