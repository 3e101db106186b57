/**
 * Redacts JSON inside text: arguments of tools, bodies of requests, values in messages.
 *
 * @module
 */

import { endOfBrackets } from "./quotes.ts";

/** Maximum number of times that a text is read in search of fragments. */
const MAX_READS = 3;
/** Characters that follow the opening bracket of JSON; most brackets in other text do not match. */
const BEGINS = /^(?:\{\s*["}]|\[\s*["{[\]0-9tfn-])/;

/**
 * Replaces the JSON objects and arrays in a text with the results of `redact`.
 *
 * @param redact Returns the same value if there is nothing to replace.
 */
export function redactFragments(text: string, redact: (value: object) => unknown): string {
  // Most texts have no brackets, and this search is the fastest.
  if (!text.includes("{") && !text.includes("[")) return text;
  let result = "";
  let done = 0;
  let charsLeft = MAX_READS * text.length;
  let from = nextBracket(text, 0);
  while (from >= 0 && charsLeft > 0) {
    const begins = BEGINS.test(text.slice(from, from + 16));
    const end = begins ? endOfBrackets(text, from) : from + 1;
    charsLeft -= end - from;
    const value = begins ? parsed(text.slice(from, end)) : undefined;
    const redacted = value === undefined ? undefined : redact(value);
    if (redacted !== value) {
      result += text.slice(done, from) + JSON.stringify(redacted);
      done = end;
    }
    from = nextBracket(text, value === undefined ? from + 1 : end);
  }
  return done === 0 ? text : result + text.slice(done);
}

function nextBracket(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x7b || code === 0x5b) return at;
  }
  return -1;
}

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
