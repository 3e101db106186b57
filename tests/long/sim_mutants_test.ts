import { ownRuntime } from "../sim/child.ts";
import { assertAllFound, MUTANT_GROUPS } from "../sim/mutants/mutant_groups.ts";
import { test } from "../harness.ts";

const skip = ownRuntime === "node" && "npm test proves the mutants on this runtime";

for (const [what, bugs] of MUTANT_GROUPS) {
  test(
    `simulation: finds every mutant in ${what} on this runtime too`,
    () => assertAllFound(bugs),
    {
      timeout: 280_000,
      skip,
    },
  );
}
