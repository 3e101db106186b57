/**
 * Quoted strings in text that may be JSON text itself, at any level of escaping.
 *
 * @module
 */

const BACKSLASH = 0x5c, DOUBLE = 0x22, SINGLE = 0x27;

/**
 * Returns the quote at a position, with its preceding backslashes; only the backslashes if no quote
 * follows them.
 */
export function quoteAt(text: string, at: number): string {
  let end = at;
  while (text.charCodeAt(end) === BACKSLASH) end++;
  const code = text.charCodeAt(end);
  return text.slice(at, code === DOUBLE || code === SINGLE ? end + 1 : end);
}

/** Returns whether a character is a quote, or a backslash that may escape one. */
export function isQuoteChar(code: number): boolean {
  return code === DOUBLE || code === SINGLE || code === BACKSLASH;
}

/**
 * Returns the position of the quote that ends a quoted string, -1 if there is none.
 *
 * Each level of JSON text doubles the backslashes before a quote and adds one. The string ends at a
 * quote of its own level, which content that ends with backslashes precedes with further ones.
 *
 * @param from Position after the opening quote.
 * @param quote The opening quote, with its backslashes.
 */
export function closingQuote(text: string, from: number, quote: string): number {
  const mark = quote.slice(-1);
  const own = quote.length - 1;
  for (let at = text.indexOf(mark, from); at >= 0; at = text.indexOf(mark, at + 1)) {
    let start = at;
    while (start > from && text.charCodeAt(start - 1) === BACKSLASH) start--;
    if ((at - start) % (2 * own + 2) === own) return at - own;
  }
  return -1;
}

/** Opening and closing brackets of JSON. */
const BRACKETS = "{[", CLOSING = "}]";

/**
 * Returns the position after the bracket that closes the one at `from`, or the end of the text.
 * Ignores brackets in quotes.
 *
 * @param opening The brackets to count; default: those of JSON.
 * @param closing Their counterparts.
 */
export function endOfBrackets(
  text: string,
  from: number,
  opening: string = BRACKETS,
  closing: string = CLOSING,
): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    if (isQuoteChar(text.charCodeAt(at))) {
      const quote = quoteAt(text, at);
      at += quote.length - 1;
      if (quote.endsWith("\\")) continue;
      const end = closingQuote(text, at + 1, quote);
      if (end < 0) return text.length;
      at = end + quote.length - 1;
    } else if (opening.includes(text[at])) depth++;
    else if (closing.includes(text[at]) && --depth === 0) return at + 1;
  }
  return text.length;
}
