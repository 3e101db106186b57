/**
 * Values that would be rejected, or that would corrupt the project, are fixed before they
 * are sent.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Step, StepReport } from "../programs/steps.ts";
import type { Context, Findings, Scenario } from "../scenario.ts";
import { assertSettled } from "./poison.ts";

const HALF = "😀".slice(0, 1);

/** Texts with half a surrogate pair, and Python's encoding of them. */
const HALVES: readonly [string, string][] = [
  [HALF, "\ufffd"],
  [`a${HALF}b`, "a\ufffdb"],
  ["😀".slice(1), "\ufffd"],
  [`😀${HALF}😀`, "😀\ufffd😀"],
];

/** A4. */
export const halves: Scenario = {
  name: "halves",
  title: "text with half a surrogate pair",
  each: "runtime and API",
  run: async (context) => {
    const report = await context.steps([
      { do: "trace", values: HALVES.map(([text]) => text) },
      { do: "trace", values: [{ [`key ${HALF}`]: 1 }] },
      { do: "start", as: "odd", start: { op_name: `odd ${HALF}`, inputs: { text: HALF } } },
      { do: "end", of: "odd", end: { exception: HALF, output: [HALF] } },
      { do: "object", name: "half", value: { text: HALF } },
    ]);
    assertSettled(report);
    const calls = await context.calls();
    const values = calls.map(({ inputs }) => inputs.value);
    for (const [text, read] of HALVES) {
      assert.ok(values.includes(read), `${JSON.stringify(text)} is read as ${read}`);
    }
    assert.equal(calls.length, HALVES.length + 2);
    const uri = `weave:///${context.project}/object/half:latest`;
    assert.deepEqual(await context.bench.reader.get(uri), [{ text: "\ufffd" }]);
    return { sent: `${HALVES.length + 3} texts`, arrived: `${calls.length} calls, 1 object` };
  },
};

/** Summaries that the server rejects, and the usage that is kept. */
const SUMMARIES: readonly unknown[] = [
  { usage: null },
  { usage: 7 },
  { usage: { m: null } },
  { usage: { m: 3 } },
  { usage: { m: { prompt_tokens: 1.5 } } },
  { usage: { m: { prompt_tokens: "many" } } },
  { status_counts: { fine: 1 } },
  { status_counts: null },
];

/** A7. */
export const summaries: Scenario = {
  name: "summaries",
  title: "usage and names that the server rejects",
  each: "runtime and API",
  run: async (context): Promise<Findings> => {
    const steps = SUMMARIES.map((summary): Step => ({ do: "summarize", summary }));
    const report = await context.steps([
      ...steps,
      { do: "start", as: "named", start: { op_name: "named" } },
      { do: "end", of: "named" },
      { do: "update", of: "named", name: null },
      { do: "trace", values: ["last"] },
    ]);
    assertSettled(report);
    assert.deepEqual(context.gate.reasons, [], "the server refuses nothing");
    assert.deepEqual(context.deadLetters(), []);
    const calls = await context.calls();
    assert.equal(calls.length, SUMMARIES.length + 2, "every call arrives");
    return { sent: `${SUMMARIES.length} summaries, 1 name`, arrived: `${calls.length} calls` };
  },
};

/** A9. */
export const missing: Scenario = {
  name: "missing",
  title: "a project that the server does not have",
  each: "runtime and API",
  run: async (context: Context) => {
    const project = "missing/project";
    const waiting: StepReport[] = [];
    const report = await context.steps([
      { do: "trace-many", count: 3 },
      { do: "feedback", count: 1 },
      { do: "flush", timeout: 5_000 },
    ], { plan: { project }, onFlushed: (report) => void waiting.push(report) });
    const { server } = waiting[0];
    assert.equal(server.state, "blocked");
    assert.match(server.reason, /Project missing\/project not found/, "it names the project");
    assert.deepEqual(context.deadLetters(), [], "nothing is dead-lettered");
    assert.ok(report.result.pendingRecords >= 7, "everything waits");
    return {
      sent: "7 records",
      arrived: "nothing",
      refused: [`${server.state}: ${server.reason}`],
    };
  },
};
