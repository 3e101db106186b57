/**
 * Responses that are not the trace server's, and late responses.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Fault } from "../gate.ts";
import type { Context, Findings, Scenario } from "../scenario.ts";
import { assertSettled, reasonsOf } from "./poison.ts";

/** Maximum memory of a client in bytes, whatever the response. */
const MAX_RSS = 500 * 1024 * 1024;

/**
 * With any of these faults, nothing counts as delivered, and everything arrives after it
 * is removed.
 */
const IN_THE_WAY: Readonly<Record<string, Fault>> = {
  "a captive portal that speaks JSON": { body: '{"error":"login required"}' },
  "a captive portal that speaks HTML": { body: "<!doctype html><title>Log in</title>" },
  "an empty answer": { body: "" },
  "an answer without an end": { flood: "plain" },
  "an answer that unpacks without an end": { flood: "gzip" },
};

/** A5 and A6. */
export const portals: Scenario = {
  name: "portals",
  title: "responses that are not the trace server's",
  each: "runtime and API",
  run: async (context) => {
    let most = 0;
    for (const [name, fault] of Object.entries(IN_THE_WAY)) {
      most = Math.max(most, await behind(context, name, fault));
    }
    const calls = await context.calls();
    const names = Object.keys(IN_THE_WAY);
    assert.equal(calls.length, 10 * names.length, "every call arrives once");
    return {
      sent: `${calls.length} calls behind ${names.length} kinds of portal`,
      arrived: `${calls.length} calls, at most ${Math.round(most / 1024 / 1024)} MB held`,
    };
  },
};

async function behind(context: Context, name: string, fault: Fault): Promise<number> {
  const remove = context.gate.fault(fault);
  let seen: number | undefined;
  const report = await context.steps([
    { do: "trace-many", count: 10 },
    { do: "flush", timeout: 2_500 },
    { do: "flush", timeout: 240_000 },
  ], {
    onFlushed: ({ result }) => {
      seen = result.pendingRecords;
      remove();
    },
  });
  assert.ok(seen! >= 20, `${name}: ${seen} records wait meanwhile`);
  assertSettled(report);
  assert.deepEqual(context.deadLetters(), [], `${name}: nothing is dead-lettered`);
  assert.ok(report.rss < MAX_RSS, `${name}: ${report.rss} bytes of memory were held`);
  return report.rss;
}

/** A3. */
export const patience: Scenario = {
  name: "patience",
  title: "a server that takes four seconds per batch",
  each: "runtime and API",
  run: (context) => sendSlowly(context, 4_000),
};

/** A3, close to the limit of a request. */
export const slow: Scenario = {
  name: "slow",
  title: "a server that takes 20, then 29 seconds per batch",
  each: "runtime and API",
  weight: "slow",
  run: async (context) => {
    await sendSlowly(context, 20_000);
    return await sendSlowly(context, 29_000, 40);
  },
};

/** Calls in quick succession with files in between: each record is sent once. */
async function sendSlowly(context: Context, delayMs: number, before = 0): Promise<Findings> {
  const { gate, bench, project } = context;
  const path = /upsert_batch|calls\/complete|\/call\/(start|end)$/;
  const remove = gate.fault({ path, delayMs });
  const file = { do: "file" } as const;
  const report = await context.steps([
    { ...file, name: `a${delayMs}.txt`, text: `small ${delayMs}` },
    { ...file, name: "b.txt", text: `other ${delayMs}` },
    { do: "flush", timeout: 10_000 },
    { do: "trace-many", count: 20 },
    { do: "flush", timeout: 4 * delayMs + 240_000 },
    { ...file, name: "c.txt", text: `third ${delayMs}` },
    { do: "trace-many", count: 20 },
    { do: "flush", timeout: 4 * delayMs + 240_000 },
  ]);
  remove();
  assertSettled(report);
  const calls = gate.passed.filter(({ path }) => /call/.test(path));
  const sent = calls.reduce((sum, { records }) => sum + records, 0);
  assert.equal(sent, 80 + 2 * before, "every start and every end is sent once");
  const { count } = JSON.parse(
    await bench.server.post("/calls/query_stats", { project_id: project }),
  ) as { count: number };
  assert.equal(count, 40 + before, "no call is there twice, also before a merge");
  return { sent: `${sent} records in ${calls.length} requests`, arrived: `${count} calls` };
}

/** A11. */
export const echo: Scenario = {
  name: "echo",
  title: "a rejection that repeats the API key",
  each: "runtime and API",
  run: async (context): Promise<Findings> => {
    const key = "k".repeat(40);
    const secrets = [key, btoa(`api:${key}`)];
    const remove = context.gate.fault({ echo: true });
    const report = await context.steps([
      { do: "trace-many", count: 3 },
      { do: "flush", timeout: 20_000 },
    ], { onFlushed: remove });
    const output = report.errors + JSON.stringify(report);
    const files = context.logFiles(() => true);
    for (const secret of secrets) {
      assert.ok(!output.includes(secret), "the program does not print the key");
      for (const { path, text } of files) {
        assert.ok(!text.includes(secret), `the key is in ${path}`);
      }
    }
    return {
      sent: "3 calls",
      arrived: `${(await context.calls()).length} calls`,
      refused: reasonsOf(context.deadLetters()),
    };
  },
};
