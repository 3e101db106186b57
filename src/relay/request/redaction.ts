/**
 * Removes secrets from recorded data: keys and tokens always, everything else if the rules of the
 * settings apply. Data without secrets is unchanged, byte for byte.
 *
 * @module
 */

import { parse, stringify } from "lossless-json";
import type { Settings } from "../../client/settings/settings.ts";
import { redactor } from "../../delivery/http/redact.ts";
import { redactSpans } from "../../protocol/redaction/redact_spans.ts";
import { RedactionRules } from "../../protocol/redaction/redaction_rules.ts";
import { REDACTED } from "../../protocol/redaction/secret_text.ts";

/** Settings of redaction. */
export type RedactionSettings = Pick<
  Settings,
  "redactDefaults" | "redactKeys" | "redactPatterns"
>;

const encoder = new TextEncoder();

/** Redacts requests of a relay. */
export class RequestRedaction {
  readonly #secrets: readonly string[];
  readonly #removeSecrets: (text: string) => string;
  readonly #rules: RedactionRules | null;

  /**
   * @param secrets The keys and tokens of the relay.
   * @param settings Rules for everything else; `null` for none.
   */
  constructor(secrets: readonly (string | undefined)[], settings: RedactionSettings | null) {
    this.#secrets = secrets.filter((secret) =>
      secret !== undefined && secret.length >= 8
    ) as string[];
    const removers = this.#secrets.map(redactor);
    this.#removeSecrets = (text) => removers.reduce((clean, remove) => remove(clean), text);
    this.#rules = settings && new RedactionRules({
      defaults: settings.redactDefaults,
      keys: settings.redactKeys,
      patterns: settings.redactPatterns,
      literals: [],
    });
  }

  /** Redacts JSON text. */
  json(given: string): string {
    const text = this.#removeSecrets(given);
    if (this.#rules === null) return text;
    const value: unknown = JSON.parse(text);
    if (this.#rules.redactData(value) === value) return text;
    const exact = parse(text, null, { onDuplicateKey: ({ newValue }) => newValue });
    return stringify(this.#rules.redactData(exact)) ?? "null";
  }

  /**
   * Redacts the content of a file: secrets in text, and everything if its name is that of a secret.
   */
  file(name: string, content: string | Uint8Array): string | Uint8Array {
    if (this.#rules?.redactsKey(name.replace(/\.[^.]*$/, ""))) return REDACTED;
    if (typeof content !== "string") return this.#masked(content);
    const text = this.#removeSecrets(content);
    return this.#rules?.redactText(text) ?? text;
  }

  /** Redacts a serialized request with spans, possibly in place. */
  span(request: Uint8Array): Uint8Array {
    const masked = this.#masked(request);
    if (this.#rules !== null) redactSpans(masked, this.#rules);
    return masked;
  }

  /** Replaces each secret in bytes with the same number of other characters. */
  #masked(bytes: Uint8Array): Uint8Array {
    for (const secret of this.#secrets) maskAll(bytes, encoder.encode(secret));
    return bytes;
  }
}

function maskAll(bytes: Uint8Array, secret: Uint8Array): void {
  for (let at = bytes.indexOf(secret[0]); at !== -1; at = bytes.indexOf(secret[0], at + 1)) {
    if (secret.every((byte, i) => bytes[at + i] === byte)) bytes.fill(42, at, at + secret.length);
  }
}
