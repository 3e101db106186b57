/**
 * Redacts JSON inside text: arguments of tools, bodies of requests, values in messages.
 *
 * @module
 */

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

/**
 * Returns the position after the bracket that closes the one at `from`, or the end of the text.
 * Ignores brackets in quotes, including escaped quotes of a JSON string.
 */
export function endOfBrackets(text: string, from: number): number {
  let depth = 0;
  let quote = "";
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22 || code === 0x27 || code === 0x5c) {
      const found = quoteAt(text, at);
      at += found.length - 1;
      if (quote === "") quote = found.endsWith("\\") ? "" : found;
      else if (found === quote) quote = "";
    } else if (quote !== "") continue;
    else if (code === 0x7b || code === 0x5b) depth++;
    else if ((code === 0x7d || code === 0x5d) && --depth === 0) return at + 1;
  }
  return text.length;
}

/** Returns a quote with its preceding backslashes, or only backslashes. */
function quoteAt(text: string, at: number): string {
  let end = at;
  while (text.charCodeAt(end) === 0x5c) end++;
  const code = text.charCodeAt(end);
  return text.slice(at, code === 0x22 || code === 0x27 ? end + 1 : end);
}
