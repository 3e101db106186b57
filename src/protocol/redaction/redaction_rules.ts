/**
 * Rules for secrets, which are never written: values by the name of their property, and parts of text.
 *
 * @module
 */

import { isWellFormed } from "../json/well_formed.ts";
import { redactFragments } from "./json_fragments.ts";
import { isSecretPair, isSecretValue } from "./secret_pairs.ts";
import { SECRET_KEYS, SecretKeys } from "./secret_keys.ts";
import { mayHoldSecret, redactAssigned, REDACTED, redactTokens } from "./secret_text.ts";

/** Options of the rules. */
export interface RedactionOptions {
  /** Whether secrets of known names and forms are redacted. */
  readonly defaults: boolean;
  /** Further names of properties. */
  readonly keys: readonly string[];
  /** Further patterns of text. */
  readonly patterns: readonly RegExp[];
  /** Texts that are redacted wherever they occur, such as the client's own key. */
  readonly literals: readonly string[];
}

/** Levels of JSON in text that are looked at. */
const MAX_DEPTH = 100;
/** Levels of data that are looked at: more than the server takes. */
const MAX_DATA_DEPTH = 1_000;
/** Names that are remembered, and characters of the longest of them. */
const MAX_NAMES = 10_000, MAX_NAME_CHARS = 200;
/** Shortest text that the rules for secrets of known forms look at. */
const MIN_CHARS = 8;

/** Decides what is redacted. One instance serves all values of a client. */
export class RedactionRules {
  readonly #keys: SecretKeys | undefined;
  readonly #patterns: readonly RegExp[];
  readonly #literals: readonly string[];
  readonly #defaults: boolean;
  /** Names that were looked at, and whether they are written as they are. */
  readonly #names = new Map<string, boolean>();

  constructor({ defaults, keys, patterns, literals }: RedactionOptions) {
    const names = [...(defaults ? SECRET_KEYS : []), ...keys];
    this.#keys = names.length === 0 ? undefined : new SecretKeys(names);
    this.#defaults = defaults;
    this.#patterns = patterns.map((pattern) => new RegExp(pattern, global(pattern.flags)));
    this.#literals = defaults ? literals.filter((literal) => literal.length >= MIN_CHARS) : [];
  }

  /** Whether the value of a property with this name is redacted. */
  redactsKey(name: string): boolean {
    return this.#keys !== undefined && this.#keys.has(name);
  }

  /**
   * Whether a property with this name is written as it is: the name is well-formed and holds no
   * secret, and the value is none by its name. Cheap for names that occur again.
   */
  keepsProperty(name: string): boolean {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const keeps = isWellFormed(name) && !this.redactsKey(name) && this.redactText(name) === name;
    if (this.#names.size < MAX_NAMES && name.length <= MAX_NAME_CHARS) this.#names.set(name, keeps);
    return keeps;
  }

  /** A text without its secrets; the same text if it has none. */
  redactText(text: string): string {
    let result = text;
    for (const pattern of this.#patterns) {
      pattern.lastIndex = 0;
      result = result.replace(pattern, REDACTED);
    }
    if (result.length < MIN_CHARS || !mayHoldSecret(result)) return result;
    if (this.#keys !== undefined) {
      result = redactFragments(result, (value) => this.#redactJson(value, MAX_DEPTH));
      result = redactAssigned(result, this.#keys);
    }
    return this.#defaults ? redactTokens(result, this.#literals) : result;
  }

  /** JSON data without its secrets; the same value if it has none. */
  redactData<T>(value: T): T | string {
    return this.#redactJson(value, MAX_DATA_DEPTH);
  }

  /** The same value where it holds no secret. */
  #redactJson<T>(value: T, depth: number): T | string {
    if (typeof value === "string") return this.redactText(value);
    if (typeof value !== "object" || value === null || !isData(value)) return value;
    if (depth === 0) return REDACTED;
    const isPair = isSecretPair(value, this);
    let changed: unknown;
    let isRenamed = false;
    for (const [key, member] of Object.entries(value)) {
      isRenamed ||= !Array.isArray(value) && this.redactText(key) !== key;
      const isSecret = this.redactsKey(key) || isPair && (key === "value" || key === "1");
      const redacted: unknown = isSecret && isSecretValue(key, member)
        ? REDACTED
        : this.#redactJson(member, depth - 1);
      if (redacted === member) continue;
      changed ??= Array.isArray(value) ? [...value] : { ...value };
      (changed as Record<string, unknown>)[key] = redacted;
    }
    return (isRenamed ? this.#rename((changed ?? value) as object) : changed ?? value) as T;
  }

  /** Secrets may be names of properties too. */
  #rename(value: object): object {
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [this.redactText(key), member]),
    );
  }
}

/** Numbers whose digits are kept are objects of a class. */
function isData(value: object): boolean {
  const proto: unknown = Object.getPrototypeOf(value);
  return proto === Object.prototype || proto === Array.prototype || proto === null;
}

function global(flags: string): string {
  return flags.replace(/[gy]/g, "") + "g";
}
