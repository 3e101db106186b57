/**
 * Every write of the client, read back with the Python client.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { WritePlan } from "../programs/every_write.ts";
import type { ReadCall } from "../reader.ts";
import type { Context, Findings, Scenario } from "../scenario.ts";
import { assertSettled } from "./poison.ts";

interface ExpectedCall {
  readonly id: string;
  readonly op: string;
  readonly children?: readonly string[];
  readonly error?: string;
  readonly isRunning?: boolean;
  readonly usage?: unknown;
  readonly attributes?: Record<string, unknown>;
  readonly summary?: Record<string, unknown>;
  readonly [field: string]: unknown;
}

interface Manifest {
  readonly calls: readonly ExpectedCall[];
  readonly values: Readonly<Record<string, unknown>>;
  readonly feedback: readonly Record<string, unknown>[];
  readonly result: { readonly done: boolean };
  readonly deadLettered: number;
}

/** See the module. */
export const writes: Scenario = {
  name: "writes",
  title: "every write, read back with Python",
  each: "runtime and API",
  weight: "essential",
  run: writeAll,
};

async function writeAll(context: Context): Promise<Findings> {
  const manifest = await context.run<Manifest>("every_write.ts", context.plan());
  assert.equal(manifest.result.done, true);
  assert.equal(manifest.deadLettered, 0);
  return await compareWrites(context, manifest);
}

/** Every write while the server is unreachable, delivered by the next program. */
export const offline: Scenario = {
  name: "offline",
  title: "every write without a server, with provisional digests, delivered later",
  each: "runtime and API",
  weight: "essential",
  run: async (context) => {
    await context.gate.shut();
    const plan = context.plan<Partial<WritePlan>>({ finishMs: 100 });
    const manifest = await context.run<Manifest>("every_write.ts", plan);
    assert.equal(manifest.result.done, false);
    await context.gate.reopen();
    assertSettled(await context.steps([{ do: "flush", timeout: 240_000 }]));
    return await compareWrites(context, withDigests(context, manifest));
  },
};

/** The manifest with the server's digests in place of the provisional ones. */
function withDigests(context: Context, manifest: Manifest): Manifest {
  const [book] = context.logFiles((path) => path.endsWith(".digests.jsonl"));
  let text = JSON.stringify(manifest);
  for (const line of book.text.split("\n").filter(Boolean)) {
    const [provisional, digest] = JSON.parse(line) as [string, string];
    text = text.replaceAll(provisional, digest);
  }
  assert.ok(text !== JSON.stringify(manifest), "there were provisional digests");
  return JSON.parse(text) as Manifest;
}

async function compareWrites(context: Context, manifest: Manifest): Promise<Findings> {
  const { bench: { reader, server }, gate, project } = context;
  assert.deepEqual(gate.reasons, [], "the server refuses nothing");
  assert.deepEqual(context.deadLetters(), [], "nothing is dead-lettered");
  await server.merge();

  const calls = await reader.calls(project);
  compareCalls(manifest.calls, calls);
  const uris = Object.keys(manifest.values);
  const read = await reader.get(...uris);
  uris.forEach((uri, index) => assert.deepEqual(read[index], manifest.values[uri], uri));
  compareFeedback(manifest.feedback, await reader.feedback(project));
  assert.deepEqual(await reader.costs(project), [
    { llm_id: "model-a", prompt_token_cost: 0.5, completion_token_cost: 0.25 },
  ]);
  return {
    sent: `${gate.sent} records`,
    arrived: `${calls.length} calls, ${uris.length} values, ${manifest.feedback.length} feedback`,
  };
}

function compareCalls(expected: readonly ExpectedCall[], calls: readonly ReadCall[]): void {
  const byId = new Map(calls.map((call) => [call.id, call]));
  for (const want of expected) {
    const call = byId.get(want.id);
    assert.ok(call, `the server has the call ${want.op}`);
    const { id: _, op, children, error, isRunning, usage, attributes, summary, ...fields } = want;
    for (const [name, value] of Object.entries(fields)) {
      assert.deepEqual(call[name as keyof ReadCall], value, `${name} of ${op}`);
    }
    assert.equal(nameOf(call), op);
    assert.equal(call.ended_at === null, isRunning ?? false, `whether ${op} has ended`);
    if (children) {
      const names = calls.filter(({ parent_id }) => parent_id === want.id).map(nameOf);
      assert.deepEqual(names.sort(), children, `children of ${op}`);
    }
    if (error) {
      const { type, message } = JSON.parse(call.exception ?? "null") ?? {};
      assert.equal(`${type}: ${message}`, error, `exception of ${op}`);
    }
    if (usage) assert.deepEqual(call.summary.usage, usage, `usage of ${op}`);
    for (const [name, value] of Object.entries(attributes ?? {})) {
      assert.deepEqual(call.attributes[name], value, `attribute ${name} of ${op}`);
    }
    for (const [name, value] of Object.entries(summary ?? {})) {
      assert.deepEqual(call.summary[name], value, `${name} in the summary of ${op}`);
    }
  }
  const names = calls.map(nameOf);
  assert.ok(!names.includes("deleted"), "a deleted call is not listed");
  assert.ok(!names.includes("deleted-too"), "and what it called");
  assert.equal(new Set(calls.map(({ id }) => id)).size, calls.length, "every call is there once");
}

function compareFeedback(
  expected: readonly Record<string, unknown>[],
  found: readonly Record<string, unknown>[],
): void {
  assert.equal(found.length, expected.length, "every feedback is there once");
  for (const { id, payload, ...fields } of expected) {
    const feedback = found.find((one) => one.id === id);
    assert.ok(feedback, `the server has the feedback ${fields.feedback_type}`);
    for (const [name, value] of Object.entries(fields)) assert.deepEqual(feedback[name], value);
    for (const [name, value] of Object.entries(payload as Record<string, unknown>)) {
      assert.deepEqual((feedback.payload as Record<string, unknown>)[name], value);
    }
  }
}

/** The name of a call's op, without the rest of its ref. */
export function nameOf({ op_name }: Pick<ReadCall, "op_name">): string {
  return /\/op\/([^:]+):/.exec(op_name)?.[1] ?? op_name;
}
