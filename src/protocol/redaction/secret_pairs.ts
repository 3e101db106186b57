/**
 * Secrets whose name is a value: `["Cookie", "…"]` and `{ name: "Cookie", value: "…" }`, as headers
 * and form fields are often stored.
 *
 * @module
 */

import { hasGetter } from "../json/object_facts.ts";

/** Recognizes names of secrets. */
export interface KeyRules {
  redactsKey(name: string): boolean;
}

/** Properties that name the property `value`, in both usual spellings. */
const NAMES: readonly string[] = ["name", "key", "Name", "Key"];

/** Returns whether this is a property that names another one. */
export function isNameKey(key: string): boolean {
  return NAMES.includes(key);
}

/** Returns whether this is the property that another one names: `value`, `Value`. */
export function isValueKey(key: string): boolean {
  return key === "value" || key === "Value";
}

/**
 * Returns whether the first item, or a name property, marks the second item, or `value`, as a
 * secret.
 */
export function isSecretPair(object: object, rules: KeyRules): boolean {
  if (Array.isArray(object)) return object.length === 2 && names(object, 0, rules);
  if (!Object.hasOwn(object, "value") && !Object.hasOwn(object, "Value")) return false;
  return NAMES.some((key) => names(object, key, rules));
}

function names(object: object, key: string | number, rules: KeyRules): boolean {
  if (!Object.hasOwn(object, key) || hasGetter(object, key)) return false;
  const name = (object as Record<string | number, unknown>)[key];
  return typeof name === "string" && rules.redactsKey(name);
}

/**
 * Returns whether a value can be a secret. `true`, `false`, `null` and empty strings are kept, and
 * so are numbers with a plural name, which are counts: `max_tokens`.
 */
export function isSecretValue(key: string, value: unknown): boolean {
  return typeof value === "number"
    ? !/s$/i.test(key)
    : value !== null && value !== undefined && typeof value !== "boolean" && value !== "";
}
