/**
 * Redacts the attributes of spans in their serialized bytes. Text is replaced with the same number
 * of asterisks as it has bytes, so that no length in the message changes.
 *
 * @module
 */

import type { RedactionRules } from "../../protocol/redaction/redaction_rules.ts";
import { type WireField, wireFields, wireText } from "../../protocol/otlp/wire.ts";

// Field numbers in opentelemetry/proto/{collector/trace,trace,resource,common}/v1.
const RESOURCE_SPANS = 1, RESOURCE = 1, SCOPE_SPANS = 2, SCOPE = 1, SPANS = 2;
const SPAN_NAME = 5, SPAN_ATTRIBUTES = 9, EVENTS = 11, LINKS = 13, STATUS = 15;
const STRING = 1, ARRAY = 5, MAP = 6, BYTES = 7;
const ASTERISK = 42;

/** Redacts all attributes, names and statuses of the spans in a serialized request, in place. */
export function redactSpans(request: Uint8Array, rules: RedactionRules): void {
  const walk = new Walk(rules);
  for (const resourceSpans of messages(request, RESOURCE_SPANS)) {
    for (const resource of messages(resourceSpans, RESOURCE)) walk.attributes(resource, 1);
    for (const scopeSpans of messages(resourceSpans, SCOPE_SPANS)) {
      for (const scope of messages(scopeSpans, SCOPE)) walk.attributes(scope, 3);
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
    for (const field of wireFields(span)) {
      if (field.number === SPAN_NAME) this.#text(field);
      else if (field.number === SPAN_ATTRIBUTES) this.#attribute(field.bytes);
      else if (field.number === EVENTS) {
        for (const part of wireFields(field.bytes)) {
          if (part.number === 2) this.#text(part);
          else if (part.number === 3) this.#attribute(part.bytes);
        }
      } else if (field.number === LINKS) this.attributes(field.bytes, 4);
      else if (field.number === STATUS) {
        for (const part of wireFields(field.bytes)) if (part.number === 2) this.#text(part);
      }
    }
  }

  attributes(message: Uint8Array, number: number): void {
    for (const attribute of messages(message, number)) this.#attribute(attribute);
  }

  #attribute(message: Uint8Array): void {
    let key = "", value: Uint8Array | undefined;
    for (const field of wireFields(message)) {
      if (field.number === 1) key = wireText(field);
      else if (field.number === 2) value = field.bytes;
    }
    if (value !== undefined) this.#value(value, this.#rules.redactsKey(key));
  }

  #value(message: Uint8Array, isSecret: boolean): void {
    for (const field of wireFields(message)) {
      if (field.number === STRING) this.#text(field, isSecret);
      else if (field.number === BYTES && isSecret) field.bytes.fill(ASTERISK);
      else if (field.number === ARRAY) {
        for (const item of messages(field.bytes, 1)) this.#value(item, isSecret);
      } else if (field.number === MAP) {
        for (const entry of messages(field.bytes, 1)) {
          if (!isSecret) this.#attribute(entry);
          else for (const item of messages(entry, 2)) this.#value(item, true);
        }
      }
    }
  }

  #text(field: WireField, isSecret = false): void {
    const text = isSecret ? "" : wireText(field);
    if (isSecret || this.#rules.redactText(text) !== text) field.bytes.fill(ASTERISK);
  }
}

function* messages(message: Uint8Array, number: number): Generator<Uint8Array> {
  for (const field of wireFields(message)) {
    if (field.number === number && field.wireType === 2) yield field.bytes;
  }
}
