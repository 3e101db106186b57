/**
 * Calls an op repeatedly until it is killed, and prints a number for each recorded call.
 *
 * @module
 */

import { op } from "../../../mod.ts";
import { initAsPlanned, type Plan, readPlan } from "./plan.ts";

/** The plan of a counting program. */
export interface CountPlan extends Plan {
  /** Prefix of its numbers. */
  readonly name: string;
  /** Number of calls after which it exits. */
  readonly count: number;
}

const plan = readPlan<CountPlan>();
const client = await initAsPlanned(plan);
const outer = op(async function outer(value: string) {
  await new Promise((resolve) => setTimeout(resolve, 1));
  return inner(value);
}, { name: "outer", parameterNames: ["value"] });
const inner = op(function inner(value: string) {
  return value;
}, { name: "inner", parameterNames: ["value"] });

for (let n = 0; n < plan.count; n++) {
  const value = `${plan.name}-${n}`;
  await outer(value);
  console.log(value);
}
await client.finish({ timeout: 240_000 });
