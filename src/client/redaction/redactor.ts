/**
 * Removes secrets from everything that a client writes, according to the rules and to the program's
 * own `redact`.
 *
 * @module
 */

import { keyForms } from "../../delivery/http/redact.ts";
import { ignoreRejection } from "../../protocol/json/promises.ts";
import { readMethod } from "../../protocol/json/object_facts.ts";
import {
  isPlainData,
  MAX_DEPTH,
  type Substitute,
  toJsonText,
} from "../../protocol/json/stringify.ts";
import { redactSpans } from "../../protocol/redaction/redact_spans.ts";
import { RedactionRules } from "../../protocol/redaction/redaction_rules.ts";
import { REDACTED } from "../../protocol/redaction/secret_text.ts";
import type { Settings } from "../settings/settings.ts";

/**
 * Replaces values before they are written. Receives the name of a property (or the index of an
 * item) and its value as JSON data, and returns the value to write; `undefined` removes the
 * property.
 *
 * @example
 * ```ts
 * import type { Redact } from "@weave-wal/client";
 *
 * const redact: Redact = (key, value) => key === "email" ? "REDACTED" : value;
 * if (redact("email", "ada@example.com") !== "REDACTED") throw new Error();
 * ```
 */
export type Redact = (key: string, value: unknown) => unknown;

/** Options for {@linkcode Redactor}. */
export interface RedactorOptions {
  readonly settings: Pick<Settings, "redactDefaults" | "redactKeys" | "redactPatterns">;
  readonly redact: Redact | undefined;
  /** The API key, which is removed from all values. */
  readonly apiKey: string | undefined;
  /** Called if `redact` fails. */
  readonly onFailure: (error: unknown) => void;
}

/** Fields for which the server only accepts objects. */
const OBJECT_FIELDS: ReadonlySet<string> = new Set([
  "inputs",
  "attributes",
  "summary",
  "payload",
  "otel_dump",
  "row",
]);
/** Maximum number of values passed to `redact` for one field, since its results may be endless. */
const MAX_VISITS = 1_000_000;
/** Rules that change nothing. */
const NO_RULES = new RedactionRules({ defaults: false, keys: [], patterns: [], literals: [] });

type Json = Record<string, unknown>;

/** Redacts the values of one client. */
export class Redactor {
  readonly #rules: RedactionRules | undefined;
  readonly #redact: Redact | undefined;
  readonly #onFailure: (error: unknown) => void;
  #visits = 0;

  constructor({ settings, redact, apiKey, onFailure }: RedactorOptions) {
    const { redactDefaults: defaults, redactKeys: keys, redactPatterns: patterns } = settings;
    const literals = apiKey === undefined ? [] : keyForms(apiKey);
    this.#rules = defaults || keys.length + patterns.length > 0
      ? new RedactionRules({ defaults, keys, patterns, literals })
      : undefined;
    this.#redact = redact;
    this.#onFailure = onFailure;
  }

  /** Returns a redactor that changes nothing, for values that are already redacted. */
  static none(): Redactor {
    return new Redactor({
      settings: { redactDefaults: false, redactKeys: [], redactPatterns: [] },
      redact: undefined,
      apiKey: undefined,
      onFailure: () => {},
    });
  }

  /**
   * Returns the JSON text of a value, redacted. Never throws.
   *
   * @param field The record's field that contains the value; the first name passed to `redact`.
   */
  toText(value: unknown, substitute?: Substitute, maxChars?: number, field?: string): string {
    const text = toJsonText(value, substitute, maxChars, this.#rules);
    return this.#redact === undefined || field === undefined ? text : this.#applyTo(text, field);
  }

  /** Whether the program has its own `redact`. */
  get hasOwn(): boolean {
    return this.#redact !== undefined;
  }

  /** Returns whether nothing in a value, which is plain data of at most `maxChars`, is redacted. */
  isClean(value: unknown, maxChars?: number): boolean {
    return this.#redact === undefined && isPlainData(value, this.#rules, maxChars);
  }

  /** Redacts a string of the program, such as a name. */
  text(text: string, field: string): string {
    const redacted: unknown = JSON.parse(this.toText(text, undefined, undefined, field));
    return typeof redacted === "string" ? redacted : REDACTED;
  }

  /** Redacts a line for people, according to the rules only. */
  readonly line = (text: string): string =>
    this.#rules === undefined ? text : this.#rules.redactText(text);

  /** Returns a request whose content, which may be any values, has been passed to `redact`. */
  request<T>(request: T): T {
    return this.#redact === undefined ? request : this.#withContent(request) as T;
  }

  /**
   * Redacts a file: completely if it has the name of a secret, otherwise secrets in text. Bytes that
   * are UTF-8 are text.
   */
  file(name: string, content: string | Uint8Array): string | Uint8Array {
    if (this.#rules?.redactsKey(name.replace(/\.[^.]*$/, ""))) return REDACTED;
    const text = typeof content === "string" ? content : textOf(content);
    const line = text === undefined ? undefined : this.line(text);
    const clean = line === undefined || line === text ? content : line;
    if (this.#redact === undefined) return clean;
    const redacted = this.#call(name, clean);
    return typeof redacted === "string" || redacted instanceof Uint8Array ? redacted : REDACTED;
  }

  /**
   * Returns a serialized request with spans, redacted according to the rules. The bytes themselves
   * are unchanged.
   *
   * @throws {RangeError | TypeError} If it is not such a request.
   */
  spans(request: Uint8Array): Uint8Array {
    // Not its own `slice`: that of a `Buffer` shares its memory.
    const copy: Uint8Array = Uint8Array.prototype.slice.call(request);
    redactSpans(copy, this.#rules ?? NO_RULES);
    return copy;
  }

  #applyTo(text: string, field: string): string {
    this.#visits = 0;
    const redacted = this.#visit(field, JSON.parse(text), MAX_DEPTH);
    const isObject = typeof redacted === "object" && redacted !== null && !Array.isArray(redacted);
    const value = isObject || !OBJECT_FIELDS.has(field)
      ? redacted
      : redacted === undefined
      ? {}
      : { redacted };
    return toJsonText(value ?? null, undefined, undefined, this.#rules);
  }

  #visit(key: string, value: unknown, depth: number): unknown {
    if (depth === 0 || ++this.#visits > MAX_VISITS) return REDACTED;
    const chosen = this.#call(key, value);
    if (typeof chosen !== "object" || chosen === null) return chosen;
    // The returned value may be anything, and may belong to the program.
    const json: unknown = chosen === value ? value : JSON.parse(toJsonText(chosen));
    if (Array.isArray(json)) {
      return json.map((item, i) => this.#visit(String(i), item, depth - 1) ?? null);
    }
    if (typeof json !== "object" || json === null) return json;
    const result: Json = Object.create(null);
    for (const [name, item] of Object.entries(json)) {
      const redacted = this.#visit(name, item, depth - 1);
      if (redacted !== undefined) result[name] = redacted;
    }
    return result;
  }

  /** Calls `redact`; a value for which it fails is redacted. */
  #call(key: string, value: unknown): unknown {
    try {
      const chosen = this.#redact!(key, value);
      const isLater = typeof chosen === "object" && chosen !== null &&
        readMethod(chosen, "then") !== undefined;
      if (!isLater) return chosen;
      ignoreRejection(chosen);
      throw new TypeError("redact returned a promise, which cannot be waited for");
    } catch (error) {
      this.#onFailure(error);
      return REDACTED;
    }
  }

  #withContent(part: unknown): unknown {
    if (Array.isArray(part)) return part.map((item) => this.#withContent(item));
    if (typeof part !== "object" || part === null) return part;
    return Object.fromEntries(
      Object.entries(part).map(([name, value]) => [name, this.#member(name, value)]),
    );
  }

  #member(name: string, value: unknown): unknown {
    if (ENVELOPES.has(name)) return this.#withContent(value);
    if (value === undefined || value === null) return value;
    if (name === "rows" && Array.isArray(value)) {
      return value.map((row) => this.#member("row", row));
    }
    return CONTENT.has(name) ? JSON.parse(this.toText(value, undefined, undefined, name)) : value;
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Decodes bytes that are text. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Parts of requests with content of the program. */
const CONTENT: ReadonlySet<string> = new Set([
  ...OBJECT_FIELDS,
  "output",
  "exception",
  "display_name",
  "val",
]);
/** Parts of requests that contain other parts. */
const ENVELOPES: ReadonlySet<string> = new Set([
  "start",
  "end",
  "obj",
  "table",
  "updates",
  "append",
  "insert",
  "batch",
  "req",
]);
