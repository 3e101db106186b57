/**
 * The error for an invalid value.
 *
 * @module
 */

import { WeaveWalError } from "../../errors.ts";
import { escapeControls } from "../../protocol/escape_controls.ts";

/** Source of a value, for messages: `option "lingerMs"`, `WEAVE_HTTP_TIMEOUT`, a path. */
export type Origin = string;

/** Creates the error for an invalid value. */
export function invalidOption(origin: Origin, value: unknown, want: string): WeaveWalError {
  return new WeaveWalError(
    "ERR_INVALID_OPTION",
    `Cannot use ${origin}: ${show(value)} is not ${want}`,
  );
}

/** Formats a value for a message: short, and without throwing. */
export function show(value: unknown): string {
  if (typeof value === "string") return escapeControls(JSON.stringify(clip(value)));
  if (typeof value === "number" || typeof value === "boolean" || value == null) return `${value}`;
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function clip(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
