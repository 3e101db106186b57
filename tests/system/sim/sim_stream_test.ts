import assert from "node:assert/strict";
import { test } from "../../harness.ts";
import { ownRuntime, sim } from "../../sim/child.ts";

/** Node runs the most; the others only check that the result does not depend on the host. */
const RUNS = ownRuntime === "node" ? 40 : 10;
const skip = ownRuntime !== "node" && "a seed is the same on every runtime";

test(`simulation: ${RUNS} seeds of a log on a stream keep every promise`, async () => {
  const { code, output } = await sim(["--stream", "--runs", String(RUNS)]);
  assert.equal(code, 0, output);
  assert.match(output, new RegExp(`^${RUNS} seeds from 1: 0 failed, \\d+ records`));
}, { timeout: 280_000 });

test("simulation: finds every mutant of a log on a stream", async () => {
  const { code, output } = await sim(["--stream", "--prove"]);
  assert.equal(code, 0, output);
}, { timeout: 280_000, skip });
