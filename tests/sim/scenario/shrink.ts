/**
 * Shrinks a failing scenario.
 *
 * @module
 */

import type { Bug } from "../mutants/mutant.ts";
import type { ViolationCode } from "../world/context.ts";
import { runScenario } from "../checks/checker.ts";
import type { Scenario } from "./scenario.ts";

/** Maximum number of runs for shrinking one scenario. */
const MAX_RUNS = 600;

/**
 * Omits steps, in halves, quarters and so on, as long as the same promise is broken.
 *
 * @returns The indices of the remaining steps.
 */
export async function shrink(
  scenario: Scenario,
  code: ViolationCode,
  bug?: Bug,
): Promise<number[]> {
  let kept = scenario.steps.map((_, index) => index);
  let runs = 0;
  const fails = async (steps: readonly number[]): Promise<boolean> => {
    runs++;
    const { violations } = await runScenario(only(scenario, steps), bug ? { bug } : {});
    return violations.some((violation) => violation.code === code);
  };
  for (let size = Math.ceil(kept.length / 2); size >= 1;) {
    let shorter = false;
    for (let from = 0; from < kept.length && runs < MAX_RUNS;) {
      const rest = kept.filter((_, index) => index < from || index >= from + size);
      if (await fails(rest)) {
        kept = rest;
        shorter = true;
      } else {
        from += size;
      }
    }
    if (size > 1 || !shorter) size = size > 1 ? Math.ceil(size / 2) : 0;
  }
  return kept;
}

/** The scenario with only these steps. */
export function only(scenario: Scenario, steps: readonly number[]): Scenario {
  return { ...scenario, steps: steps.map((index) => scenario.steps[index]) };
}
