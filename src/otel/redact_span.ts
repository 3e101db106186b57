/**
 * Applies redaction and value limits to the parts of spans.
 *
 * @module
 */

import type { Redactor } from "../client/redaction/redactor.ts";
import { MAX_CALL_VALUE_CHARS } from "../protocol/json/size_limits.ts";
import type { SpanIds } from "./finished_span.ts";

/** IDs with the state that other vendors pass along. */
interface StatefulIds extends SpanIds {
  readonly traceState?: { serialize(): string };
}

/** Redacts the spans of one client. */
export class SpanRedactor {
  readonly #redactor: Redactor;

  constructor(redactor: Redactor) {
    this.#redactor = redactor;
  }

  /** Returns a text, redacted. @param field Its name for `redact`. */
  text(text: string, field: string): string {
    return typeof text === "string" && this.#redactor.isClean(text, MAX_CALL_VALUE_CHARS)
      ? text
      : this.#redactor.text(String(text).slice(0, MAX_CALL_VALUE_CHARS), field);
  }

  /** Returns the trace state, which other vendors fill, redacted. */
  state(ids: SpanIds): string | undefined {
    const state = (ids as StatefulIds).traceState?.serialize();
    return state ? this.text(state, "trace_state") : undefined;
  }

  /** Returns attributes, redacted: JSON data. */
  attributes(attributes: object | null | undefined): object {
    if (attributes == null) return {};
    if (this.#redactor.isClean(attributes, MAX_CALL_VALUE_CHARS)) return attributes;
    const text = this.#redactor.toText(attributes, undefined, MAX_CALL_VALUE_CHARS, "attributes");
    const redacted: unknown = JSON.parse(text);
    return typeof redacted === "object" && redacted !== null ? redacted : {};
  }
}
