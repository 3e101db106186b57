import { ownRuntime } from "../../sim/child.ts";
import { assertAllFound, MUTANT_GROUPS } from "../../sim/mutants/mutant_groups.ts";
import { test } from "../../harness.ts";

/** A seed has the same trace on every runtime, so that one runtime suffices; see `tests/long`. */
const skip = ownRuntime !== "node" && "npm run test:all proves the mutants on this runtime";

for (const [what, bugs] of MUTANT_GROUPS) {
  test(`simulation: finds every mutant in ${what}`, () => assertAllFound(bugs), {
    timeout: 280_000,
    skip,
  });
}
