import assert from "node:assert/strict";
import { ownRuntime, sim } from "../sim/child.ts";
import { test } from "../harness.ts";

/** `tests/system/sim/sim_test.ts` runs the earlier seeds. */
const FIRST = 10_001;
/** Node runs the most; the others only check that the result does not depend on the runtime. */
const SEEDS = ownRuntime === "node" ? 6_000 : 1_000;

test(`simulation: ${SEEDS} more seeds keep every promise`, async () => {
  const { code, output } = await sim(["--seed", String(FIRST), "--runs", String(SEEDS)]);
  assert.equal(code, 0, output);
  assert.match(output, new RegExp(`^${SEEDS} seeds from ${FIRST}: 0 failed,`));
}, { timeout: 280_000 });
