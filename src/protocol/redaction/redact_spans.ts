/**
 * Redacts spans in their serialized bytes. Text is replaced with the same number of asterisks as it
 * has bytes, and a number with zero, so that no length in the message changes.
 *
 * @module
 */

import { type WireField, wireFields, wireText } from "../otlp/wire.ts";
import type { RedactionRules } from "./redaction_rules.ts";
import { isNameKey, isValueKey } from "./secret_pairs.ts";

// Field numbers in opentelemetry/proto/{collector/trace,trace,resource,common}/v1.
const RESOURCE_SPANS = 1, RESOURCE = 1, SCOPE_SPANS = 2, SCOPE = 1, SPANS = 2, SCHEMA_URL = 3;
const TRACE_STATE = 3, SPAN_NAME = 5, SPAN_ATTRIBUTES = 9, EVENTS = 11, LINKS = 13, STATUS = 15;
const STRING = 1, INT = 3, DOUBLE = 4, ARRAY = 5, MAP = 6, BYTES = 7;
const ASTERISK = 42;

/**
 * Redacts all texts and attributes of the spans in a serialized request, in place.
 *
 * @throws {RangeError} If the bytes are not a request.
 */
export function redactSpans(request: Uint8Array, rules: RedactionRules): void {
  const walk = new Walk(rules);
  for (const resourceSpans of messages(request, RESOURCE_SPANS)) {
    walk.texts(resourceSpans, SCHEMA_URL);
    for (const resource of messages(resourceSpans, RESOURCE)) walk.attributes(resource, 1);
    for (const scopeSpans of messages(resourceSpans, SCOPE_SPANS)) {
      walk.texts(scopeSpans, SCHEMA_URL);
      for (const scope of messages(scopeSpans, SCOPE)) {
        walk.texts(scope, 1, 2);
        walk.attributes(scope, 3);
      }
      for (const span of messages(scopeSpans, SPANS)) walk.span(span);
    }
  }
}

class Walk {
  readonly #rules: RedactionRules;

  constructor(rules: RedactionRules) {
    this.#rules = rules;
  }

  span(span: Uint8Array): void {
    this.texts(span, TRACE_STATE, SPAN_NAME);
    this.attributes(span, SPAN_ATTRIBUTES);
    for (const event of messages(span, EVENTS)) {
      this.texts(event, 2);
      this.attributes(event, 3);
    }
    for (const link of messages(span, LINKS)) {
      this.texts(link, TRACE_STATE);
      this.attributes(link, 4);
    }
    for (const status of messages(span, STATUS)) this.texts(status, 2);
  }

  /** Redacts the texts in some fields of a message. */
  texts(message: Uint8Array, ...numbers: number[]): void {
    for (const field of wireFields(message)) if (numbers.includes(field.number)) this.#text(field);
  }

  attributes(message: Uint8Array, number: number): void {
    for (const attribute of messages(message, number)) this.#attribute(attribute);
  }

  #attribute(message: Uint8Array, isNamed = false): void {
    const [key, value] = attributeOf(message);
    const isSecret = this.#rules.redactsKey(key) || isNamed && isValueKey(key);
    for (const field of wireFields(message)) if (field.number === 1) this.#text(field);
    if (value !== undefined) this.#value(value, isSecret, /s$/i.test(key));
  }

  /** @param isCount Whether a number is not a secret, as in `max_tokens`. */
  #value(message: Uint8Array, isSecret: boolean, isCount = false): void {
    for (const field of wireFields(message)) {
      if (field.number === STRING) this.#text(field, isSecret);
      else if (field.number === BYTES && isSecret) field.bytes.fill(ASTERISK);
      else if (field.number === INT || field.number === DOUBLE) {
        if (isSecret ? !isCount : this.#matches(field)) clearNumber(message);
      } else if (field.number === ARRAY) this.#list(field.bytes, isSecret, isCount);
      else if (field.number === MAP) this.#map(field.bytes, isSecret);
    }
  }

  #list(message: Uint8Array, isSecret: boolean, isCount: boolean): void {
    const items = [...messages(message, 1)];
    // `["Cookie", "…"]`
    const isPair = items.length === 2 && this.#rules.redactsKey(textOf(items[0]));
    items.forEach((item, i) => this.#value(item, isSecret || isPair && i === 1, isCount));
  }

  #map(message: Uint8Array, isSecret: boolean): void {
    const entries = [...messages(message, 1)];
    if (isSecret) {
      for (const entry of entries) for (const item of messages(entry, 2)) this.#value(item, true);
      return;
    }
    // `{ name: "Cookie", value: "…" }`
    const isNamed = entries.map(attributeOf).some(([key, value]) =>
      isNameKey(key) && value !== undefined && this.#rules.redactsKey(textOf(value))
    );
    for (const entry of entries) this.#attribute(entry, isNamed);
  }

  #text(field: WireField, isSecret = false): void {
    const text = isSecret ? "" : wireText(field);
    if (isSecret || this.#rules.redactText(text) !== text) field.bytes.fill(ASTERISK);
  }

  /** Returns whether the digits of a number are a secret. */
  #matches({ number, value }: WireField): boolean {
    if (!this.#rules.inspectsNumbers) return false;
    const digits = `${number === INT ? BigInt.asIntN(64, value) : doubleOf(value)}`;
    return this.#rules.redactText(digits) !== digits;
  }
}

/** Returns the name and the value of an attribute. */
function attributeOf(message: Uint8Array): [key: string, value: Uint8Array | undefined] {
  let key = "", value: Uint8Array | undefined;
  for (const field of wireFields(message)) {
    if (field.number === 1) key = wireText(field);
    else if (field.number === 2) value = field.bytes;
  }
  return [key, value];
}

/** Returns the text of a value; empty for other values. */
function textOf(message: Uint8Array): string {
  for (const field of wireFields(message)) if (field.number === STRING) return wireText(field);
  return "";
}

/** Sets the number in a value to zero: an integer as a varint of the same length. */
function clearNumber(message: Uint8Array): void {
  const isInteger = message[0] === INT * 8;
  message.fill(isInteger ? 0x80 : 0, 1);
  if (isInteger) message[message.length - 1] = 0;
}

function doubleOf(bits: bigint): number {
  return new Float64Array(BigUint64Array.of(bits).buffer)[0];
}

function* messages(message: Uint8Array, number: number): Generator<Uint8Array> {
  for (const field of wireFields(message)) {
    if (field.number === number && field.wireType === 2) yield field.bytes;
  }
}
