import assert from "node:assert/strict";
import { test } from "../../harness.ts";
import { ownRuntime, sim } from "../../sim/child.ts";

/** Node runs the most; the others only check that the result does not depend on the host. */
const RUNS = ownRuntime === "node" ? 500 : 100;

test(`simulation: ${RUNS} seeds keep every promise`, async () => {
  const { code, output } = await sim(["--seed", "1", "--runs", String(RUNS)]);
  assert.equal(code, 0, output);
  assert.match(output, new RegExp(`^${RUNS} seeds from 1: 0 failed, \\d+ records, \\d+ requests`));
}, { timeout: 280_000 });
