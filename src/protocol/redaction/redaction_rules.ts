/**
 * Rules for secrets, which are never recorded: values by their property name, and parts of text.
 *
 * @module
 */

import { isWellFormed } from "../json/well_formed.ts";
import { redactFragments } from "./json_fragments.ts";
import { isSecretPair, isSecretValue, isValueKey } from "./secret_pairs.ts";
import { SECRET_KEYS, SecretKeys } from "./secret_keys.ts";
import { redactAssigned } from "./secret_assignments.ts";
import {
  isRun,
  mayHoldName,
  mayHoldToken,
  REDACTED,
  redactPrivateKeys,
  redactTokens,
} from "./secret_text.ts";

/** Options for {@linkcode RedactionRules}. */
export interface RedactionOptions {
  /** Redacts secrets with known names and formats. */
  readonly defaults: boolean;
  /** Additional property names. */
  readonly keys: readonly string[];
  /** Additional text patterns. */
  readonly patterns: readonly RegExp[];
  /** Texts to redact wherever they occur, such as the client's own key. */
  readonly literals: readonly string[];
}

/** Maximum levels of JSON nested in text to inspect. */
const MAX_DEPTH = 100;
/** Maximum levels of data to inspect: more than the server accepts. */
const MAX_DATA_DEPTH = 1_000;
/** Maximum number of cached names, and their maximum length. */
const MAX_NAMES = 10_000, MAX_NAME_CHARS = 200;
/** Minimum length of text to check for secrets of known formats. */
const MIN_CHARS = 8;

/** Decides what is redacted. One instance serves all values of a client. */
export class RedactionRules {
  readonly #keys: SecretKeys | undefined;
  readonly #patterns: readonly RegExp[];
  /** Texts that are found among the tokens of a text, and those that can be anywhere. */
  readonly #literals: readonly string[];
  readonly #anywhere: readonly string[];
  readonly #defaults: boolean;
  /** Whether numbers may be redacted: only if the user's patterns match their digits. */
  readonly inspectsNumbers: boolean;
  /** Cached names, and whether they are recorded unchanged. */
  readonly #names = new Map<string, boolean>();

  constructor({ defaults, keys, patterns, literals }: RedactionOptions) {
    const names = [...(defaults ? SECRET_KEYS : []), ...keys];
    this.#keys = names.length === 0 ? undefined : new SecretKeys(names);
    this.#defaults = defaults;
    this.#patterns = patterns.map((pattern) => new RegExp(pattern, global(pattern.flags)));
    const known = defaults ? literals.filter((literal) => literal.length >= MIN_CHARS) : [];
    this.#literals = known.filter(isRun);
    this.#anywhere = known.filter((literal) => !isRun(literal));
    this.inspectsNumbers = patterns.length > 0;
  }

  /** Returns whether the value of a property with this name is redacted. */
  redactsKey(name: string): boolean {
    return this.#keys !== undefined && this.#keys.has(name);
  }

  /**
   * Returns whether a property with this name is recorded unchanged: the name is well-formed and
   * contains no secret, and does not mark its value as secret. Fast for repeated names.
   */
  keepsProperty(name: string): boolean {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const keeps = isWellFormed(name) && !this.redactsKey(name) && this.redactText(name) === name;
    if (this.#names.size < MAX_NAMES && name.length <= MAX_NAME_CHARS) this.#names.set(name, keeps);
    return keeps;
  }

  /** Returns a text without its secrets; the same text if it has none. */
  redactText(text: string): string {
    let result = text;
    for (const pattern of this.#patterns) {
      pattern.lastIndex = 0;
      result = result.replace(pattern, REDACTED);
    }
    if (this.#anywhere.length > 0) {
      for (const literal of this.#anywhere) result = result.replaceAll(literal, REDACTED);
    }
    if (result.length < MIN_CHARS) return result;
    const mayHaveName = mayHoldName(result);
    if (!mayHaveName && !mayHoldToken(result)) return result;
    // First, because the last words of a key's text are a name too.
    if (this.#defaults) result = redactPrivateKeys(result);
    if (mayHaveName && this.#keys !== undefined) {
      result = redactFragments(result, (value) => this.#redactJson(value, MAX_DEPTH));
      result = redactAssigned(result, this.#keys);
    }
    return this.#defaults ? redactTokens(result, this.#literals) : result;
  }

  /** Returns JSON data without its secrets; the same value if it has none. */
  redactData<T>(value: T): T | string {
    return this.#redactJson(value, MAX_DATA_DEPTH);
  }

  /** Returns the same value if it contains no secret. */
  #redactJson<T>(value: T, depth: number): T | string {
    if (typeof value === "string") return this.redactText(value);
    if (this.inspectsNumbers && isNumber(value)) {
      return this.redactText(String(value)) === String(value) ? value : REDACTED;
    }
    if (typeof value !== "object" || value === null || !isData(value)) return value;
    if (depth === 0) return REDACTED;
    const isPair = isSecretPair(value, this);
    let changed: unknown;
    let isRenamed = false;
    for (const [key, member] of Object.entries(value)) {
      isRenamed ||= !Array.isArray(value) && this.redactText(key) !== key;
      const isSecret = this.redactsKey(key) || isPair && (isValueKey(key) || key === "1");
      const redacted: unknown = isSecret && isSecretValue(key, member)
        ? REDACTED
        : this.#redactJson(member, depth - 1);
      if (redacted === member) continue;
      changed ??= Array.isArray(value) ? [...value] : { ...value };
      (changed as Record<string, unknown>)[key] = redacted;
    }
    return (isRenamed ? this.#rename((changed ?? value) as object) : changed ?? value) as T;
  }

  /** Redacts property names, which may contain secrets too. */
  #rename(value: object): object {
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [this.redactText(key), member]),
    );
  }
}

/**
 * Returns whether a value is plain data. Numbers whose digits are preserved are instances of a
 * class.
 */
function isData(value: object): boolean {
  const proto: unknown = Object.getPrototypeOf(value);
  return proto === Object.prototype || proto === Array.prototype || proto === null;
}

/** Returns whether a value is a number, or one whose digits are preserved. */
function isNumber(value: unknown): boolean {
  return typeof value === "number" ||
    typeof value === "object" && value !== null && !isData(value) && "isLosslessNumber" in value;
}

function global(flags: string): string {
  return flags.replace(/[gy]/g, "") + "g";
}
