/**
 * Validates the inputs of typed writes, for which the server would otherwise reject the record.
 *
 * @module
 */

import { WeaveWalError } from "../../errors.ts";
import { parseRef, REF_PREFIX } from "../../protocol/refs.ts";
import type { CallEndInput, CallStartInput } from "./inputs.ts";
import { clip } from "../objects/object_id.ts";
import { clipDisplayName } from "../calls/call.ts";
import { isPlain, validSummary } from "../calls/summary.ts";
import { show } from "../settings/invalid_option.ts";

/** Maximum characters (code points) of an op's name that is not a ref. */
const MAX_OP_NAME_LENGTH = 128;

/**
 * Validates the start of a call.
 *
 * @throws {WeaveWalError} `ERR_INVALID_OPTION`.
 */
export function checkStart({ op_name: name, wb_run_step: step }: CallStartInput): void {
  const start = "Cannot record the start of a call";
  if (typeof name !== "string") throw refused(start, "op_name", name, "a name or the ref of an op");
  if (name.startsWith(REF_PREFIX)) {
    if (parseRef(name)?.kind !== "op") throw refused(start, "op_name", name, "the ref of an op");
  } else if (clip(name, MAX_OP_NAME_LENGTH) !== name) {
    throw refused(start, "op_name", name, `a name of at most ${MAX_OP_NAME_LENGTH} characters`);
  }
  checkStep(start, "wb_run_step", step);
}

/**
 * Validates the end of a call.
 *
 * @throws {WeaveWalError} `ERR_INVALID_OPTION`.
 */
export function checkEnd({ id, summary, wb_run_step_end: step }: CallEndInput): void {
  const end = `Cannot record the end of call ${show(id)}`;
  checkStep(end, "wb_run_step_end", step);
  if (summary == null) return;
  if (!isPlain(summary)) throw refused(end, "summary", summary, "an object");
  validSummary(summary, (problem) => {
    throw new WeaveWalError("ERR_INVALID_OPTION", `${end}: ${problem}`);
  });
}

/**
 * Returns a display name that the server accepts.
 *
 * @throws {WeaveWalError} `ERR_INVALID_OPTION` if it is not a string.
 */
export function checkDisplayName(callId: string, name: unknown): string {
  if (typeof name === "string") return clipDisplayName(name);
  throw refused(`Cannot rename call ${show(callId)}`, "its name", name, 'text; "" clears the name');
}

function checkStep(what: string, field: string, step: unknown): void {
  if (step == null || (Number.isInteger(step) && (step as number) >= 0)) return;
  throw refused(what, field, step, "a whole number of at least 0");
}

function refused(what: string, field: string, value: unknown, want: string): WeaveWalError {
  return new WeaveWalError(
    "ERR_INVALID_OPTION",
    `${what}: ${field} is ${show(value)}, not ${want}`,
  );
}
