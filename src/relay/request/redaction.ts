/**
 * Keeps secrets out of what is recorded: keys and tokens always, everything else where the rules of the
 * settings are to be applied. What holds no secret stays byte for byte as it is.
 *
 * @module
 */

import { parse, stringify } from "lossless-json";
import type { Settings } from "../../client/settings/settings.ts";
import { redactor } from "../../delivery/http/redact.ts";
import { RedactionRules } from "../../protocol/redaction/redaction_rules.ts";
import { REDACTED } from "../../protocol/redaction/secret_text.ts";
import { redactSpans } from "../otlp/redact_spans.ts";

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

  /** A JSON text. */
  json(given: string): string {
    const text = this.#removeSecrets(given);
    if (this.#rules === null) return text;
    const value: unknown = JSON.parse(text);
    if (this.#rules.redactData(value) === value) return text;
    const exact = parse(text, null, { onDuplicateKey: ({ newValue }) => newValue });
    return stringify(this.#rules.redactData(exact)) ?? "null";
  }

  /** The content of a file: secrets in text, and all of one that is named like a secret. */
  file(name: string, content: string | Uint8Array): string | Uint8Array {
    if (this.#rules?.redactsKey(name.replace(/\.[^.]*$/, ""))) return REDACTED;
    if (typeof content !== "string") return this.#masked(content);
    const text = this.#removeSecrets(content);
    return this.#rules?.redactText(text) ?? text;
  }

  /** A serialized request with spans; its bytes may be changed in place. */
  span(request: Uint8Array): Uint8Array {
    const masked = this.#masked(request);
    if (this.#rules !== null) redactSpans(masked, this.#rules);
    return masked;
  }

  /** Bytes in which other characters of the same number replace each secret. */
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
