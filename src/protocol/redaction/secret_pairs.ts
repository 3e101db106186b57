/**
 * Secrets whose name is a value: `["Cookie", "…"]` and `{ name: "Cookie", value: "…" }`, as headers and
 * form fields are often kept.
 *
 * @module
 */

import { hasGetter } from "../json/object_facts.ts";

/** Tells the names of secrets. */
export interface KeyRules {
  redactsKey(name: string): boolean;
}

/** Properties that name the one called `value`. */
const NAMES = ["name", "key"] as const;

/** Whether the second item, or the property `value`, is what the first one names a secret. */
export function isSecretPair(object: object, rules: KeyRules): boolean {
  if (Array.isArray(object)) return object.length === 2 && names(object, 0, rules);
  if (!Object.hasOwn(object, "value")) return false;
  return NAMES.some((key) => names(object, key, rules));
}

function names(object: object, key: string | number, rules: KeyRules): boolean {
  if (!Object.hasOwn(object, key) || hasGetter(object, key)) return false;
  const name = (object as Record<string | number, unknown>)[key];
  return typeof name === "string" && rules.redactsKey(name);
}

/**
 * Whether a value can be a secret. `true`, `false`, `null` and empty text stay, and so do numbers under
 * a plural, which count something: `max_tokens`.
 */
export function isSecretValue(key: string, value: unknown): boolean {
  return typeof value === "number"
    ? !/s$/i.test(key)
    : value !== null && value !== undefined && typeof value !== "boolean" && value !== "";
}
