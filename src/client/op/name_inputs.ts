/**
 * Names a call's inputs.
 *
 * @module
 */

import { assignData, isProxy } from "../../protocol/json/object_facts.ts";
import type { ParameterNamesOption } from "./op_types.ts";

/** Returns a call's arguments, by the names under which they are recorded. */
export function nameInputs(
  self: unknown,
  params: readonly unknown[],
  names: ParameterNamesOption,
): Record<string, unknown> {
  const inputs: Record<string, unknown> = {};
  if (typeof self === "object" && self !== null && (isProxy(self) || !Array.isArray(self))) {
    inputs.self = self;
  }
  if (names === "useParam0Object") {
    const given = params[0];
    if (!isProxy(given)) return assignData(inputs, given);
    inputs.arg0 = given;
    return inputs;
  }
  for (let i = 0; i < params.length; i++) inputs[names?.[i] ?? `arg${i}`] = params[i];
  return inputs;
}
