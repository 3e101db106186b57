import assert from "node:assert/strict";
import { ownRuntime } from "../../support/processes/child_fixture.ts";
import { both, type Run, sorted } from "../../support/client/compare_fixture.ts";
import { test } from "../../harness.ts";

/**
 * Removes the differences listed in docs/differences.md: durations, and digests of ops
 * and of objects that contain them or have `null` in place of a missing name or
 * description.
 */
function normalized(run: Run): Record<string, unknown> {
  const strip = (value: unknown): unknown => {
    if (typeof value === "string") {
      return value.replace(/(weave:\/\/\/.*?\/(?:op|object)\/[^:]+):\w+/g, "$1");
    }
    if (Array.isArray(value)) return value.map(strip);
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value).flatMap(([key, part]) => {
      if ((key === "name" || key === "description") && part === null) return [];
      // The source code of an op.
      if (key === "obj.py") return [[key, "digest"]];
      return [[key, key === "model_latency" ? durationOf(part) : strip(part)]];
    });
    return Object.fromEntries(entries);
  };
  const { report, calls, values, tables, feedback } = run;
  const distinct = Object.entries(values).map(([id, versions]) => {
    return [id, new Set(versions.map((version) => JSON.stringify(ordered(strip(version)))))];
  });
  return {
    report: strip(report),
    calls: sorted(strip(calls) as Run["calls"]),
    values: Object.fromEntries(distinct),
    tables,
    feedback: feedback.map((one) => JSON.stringify(ordered(strip(one)))).sort(),
  };
}

/** A latency, or the summary of latencies, without its value. */
function durationOf(value: unknown): unknown {
  if (typeof value === "number") return value >= 0;
  const { mean, ...rest } = value as Record<string, unknown>;
  return { mean: durationOf(mean), ...rest };
}

/** The value with its keys in alphabetical order. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1).map(([key, part]) => [
      key,
      ordered(part),
    ]),
  );
}

test("evaluation: the server has the same as after the official SDK's Evaluation", async () => {
  const { official, own } = await both("evaluation_program.mjs", ownRuntime);
  const [expected, actual] = [normalized(official), normalized(own)];
  for (const part of Object.keys(expected)) assert.deepEqual(actual[part], expected[part], part);
}, { timeout: 90_000 });

test(
  "evaluation: the server has the same as after the official SDK's EvaluationLogger",
  async () => {
    const { official, own } = await both("evaluation_logger_program.mjs", ownRuntime);
    const [expected, actual] = [normalized(official), normalized(own)];
    for (const part of Object.keys(expected)) assert.deepEqual(actual[part], expected[part], part);
  },
  { timeout: 90_000 },
);
