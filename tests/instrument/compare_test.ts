/**
 * A program that uses the SDKs of OpenAI and Anthropic unmodified, with the official
 * SDK's instrumentation and with this package's: the results of the program and the calls
 * on the trace server are the same, except for the differences listed in
 * docs/differences.md.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { ownRuntime } from "../support/processes/child_fixture.ts";
import type { Any } from "../support/client/client_fixture.ts";
import { comparedRun } from "../support/client/compared_run.ts";
import { test } from "../harness.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const PROGRAM = here("../support/client/programs/instrument_program.mjs");

/**
 * Removes the differences of a call: the client in the inputs and, for a streamed
 * message, its parts.
 */
function comparable({ inputs, output, summary, ...call }: Any): Any {
  const { self: _, ...rest } = inputs;
  if (output?.messages === undefined) return { ...call, inputs: rest, output, summary };
  const [usage] = Object.values(summary.usage) as { output_tokens: number }[];
  return { ...call, inputs: rest, output: "streamed", summary: usage!.output_tokens };
}

test("instrument: the same program gives the same as with the official SDK", async () => {
  const official = await comparedRun(PROGRAM, "weave", [
    here("../../node_modules/weave/dist/esm/instrument.js"),
  ]);
  const own = await comparedRun(PROGRAM, here("../../mod.ts"), [
    here("../../src/instrument/instrument.ts"),
  ]);
  assert.deepEqual(own.report, official.report);
  assert.deepEqual(own.calls.map(comparable), official.calls.map(comparable));
  assert.equal(own.calls.length, 11);
}, {
  timeout: 120_000,
  skip: ownRuntime !== "node" && "the official SDK's instrumentation is for Node",
});
