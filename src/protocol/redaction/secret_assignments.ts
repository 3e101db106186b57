/**
 * Secrets in text that follow their name: header lines, assignments in source code and in
 * configuration, query strings, pairs.
 *
 * @module
 */

import { closingQuote, endOfBrackets, isQuoteChar, quoteAt } from "./quotes.ts";
import type { SecretKeys } from "./secret_keys.ts";
import { isSecretValue, isValueKey } from "./secret_pairs.ts";
import { isTokenChar, REDACTED } from "./secret_text.ts";

/** Start and end of a part of a text. */
type Span = readonly [from: number, to: number];

/** Maximum length of a name before a separator, and of what is between a pair's name and value. */
const MAX_KEY_CHARS = 64;

/**
 * Replaces the value after the name of a secret with {@linkcode REDACTED}, as in `Cookie: …`,
 * `api_key=…` and `"password": "…"`; returns the same text if it has none.
 */
export function redactAssigned(text: string, keys: SecretKeys): string {
  return redactAfter(",", redactAfter("=", redactAfter(":", text, keys), keys), keys);
}

function redactAfter(separator: string, text: string, keys: SecretKeys): string {
  let result = "";
  let done = 0;
  for (let at = text.indexOf(separator); at >= 0; at = text.indexOf(separator, at + 1)) {
    // A comma separates a name from its value only if both are quoted, as in a list of pairs.
    if (at < done || separator === "," && !/^["'],\s*\\*["']/.test(text.slice(at - 1, at + 8))) {
      continue;
    }
    const [start, end] = keyBefore(text, at);
    if (start === end) continue;
    const key = text.slice(start, end);
    const isSecret = keys.has(key) || endsPhrase(text, start, key, keys) ||
      isValueKey(key) && isNamedSecret(text, start, at, keys);
    const value = isSecret ? valueAfter(text, at, key) : undefined;
    if (value === undefined) continue;
    const [from, to] = value;
    if (text.startsWith(REDACTED, from) || !isSecretText(key, text.slice(from, to))) continue;
    result += text.slice(done, from) + REDACTED;
    done = to;
  }
  return done === 0 ? text : result + text.slice(done);
}

/** Returns whether a text can be a secret: the same rule as for the values of properties. */
function isSecretText(key: string, text: string): boolean {
  if (/^(?:true|false|null|undefined|none|nil)$/i.test(text)) return false;
  return isSecretValue(key, /^[\d.]+$/.test(text) ? Number(text) : text);
}

/** Returns the name before a separator, without its quotes, which may be escaped. */
function keyBefore(text: string, separator: number): Span {
  let end = separator;
  while (end > 0 && isAround(text.charCodeAt(end - 1))) end--;
  return [startOfWord(text, end), end];
}

function startOfWord(text: string, end: number): number {
  let start = end;
  while (start > 0 && end - start < MAX_KEY_CHARS && isKeyChar(text.charCodeAt(start - 1))) start--;
  return start;
}

/**
 * Characters between a name and its separator: blanks, quotes and backslashes that escape them,
 * brackets (`env["KEY"] =`, `char key[] =`), marks of Markdown, and the rest of an operator (`??=`).
 */
const AROUND: ReadonlySet<number> = new Set(
  Array.from(" \t\"'`\\[]*?|+!<>", (character) => character.charCodeAt(0)),
);

function isAround(code: number): boolean {
  return AROUND.has(code);
}

function isKeyChar(code: number): boolean {
  return isTokenChar(code) && code !== 0x2b && code !== 0x2f && code !== 0x3d || code > 127;
}

/** Returns whether the word at `start` and the words before it are a name, as in `API key: …`. */
function endsPhrase(text: string, start: number, word: string, keys: SecretKeys): boolean {
  if (!keys.mayEndWith(word)) return false;
  const end = start + word.length;
  for (let from = start; text[from - 1] === " " && end - from < MAX_KEY_CHARS;) {
    const begin = startOfWord(text, from - 1);
    if (begin === from - 1) return false;
    from = begin;
    if (keys.isPhrase(text.slice(from, end))) return true;
  }
  return false;
}

const NAME_BEFORE = /\b(?:name|key)\\*["']?\s*[:=]\s*\\*["']([^"'\\]+)\\*["'][\s,]*\\*["']?$/i;
const NAME_AFTER = /^\\*["'][\s,]*\\*["']?(?:name|key)\\*["']?\s*[:=]\s*\\*["']([^"'\\]+)\\*["']/i;

/** Returns whether the property before or after a property `value` names a secret. */
function isNamedSecret(text: string, start: number, separator: number, keys: SecretKeys): boolean {
  const names = (pattern: RegExp, part: string): boolean => {
    const name = pattern.exec(part)?.[1];
    return name !== undefined && keys.has(name);
  };
  if (names(NAME_BEFORE, text.slice(Math.max(0, start - 2 * MAX_KEY_CHARS), start))) return true;
  const quoted = quotedAt(text, separator + matchAt(OPERATOR, text, separator)!.length);
  return quoted !== undefined &&
    names(NAME_AFTER, text.slice(quoted.to, quoted.to + 2 * MAX_KEY_CHARS));
}

/** Maximum length of the arguments of a call that returns a secret. */
const MAX_CALL_CHARS = 1000;

/** A separator with the rest of its operator, marks of Markdown, and blanks. */
const OPERATOR = /[:=,][=>]*[ \t*]*/y;
/** A quote, with the prefix of a string literal (`b"…"`, `$"…"`). */
const QUOTE = /((?:[rbfu]{1,2}|[$@]{1,2})?)(\\*(?:"""|'''|["'`]))/iy;
/** A word in code, in configuration or in a query string. */
const WORD = /[^\s"'`,;&)}\]\\]*/y;
/** A word that is not the value itself: it is followed by the value. */
const PREFIX = /(?:basic|bearer|digest|token|negotiate|new|await)[ \t]+/iy;
/** The next part of a cookie. */
const NEXT_COOKIE = /;[ \t]*[^\s;="']+=/y;
/** An operator in source code between a value and a quoted one. */
const MORE = /\s*(?:\?\??|\|\||\+|\bor\b|:)\s*(?=(?:[rbfu]{1,2}|[$@])?\\*["'`])/iy;

/** Returns where the value after a separator is; `undefined` if none follows. */
function valueAfter(text: string, separator: number, key: string): Span | undefined {
  const operator = matchAt(OPERATOR, text, separator)!;
  const from = separator + operator.length;
  const isCompared = isComparison(text, separator, operator);
  const quoted = quotedAt(text, from);
  if (quoted !== undefined) {
    const end = endOfMore(text, quoted.after, false);
    return [quoted.from, end === quoted.after ? quoted.to : end];
  }
  // A value that is compared with a secret is one only if it is a literal; a function never is.
  if (isCompared) return undefined;
  if (text[from] === "{" || text[from] === "[") return [from, endOfBrackets(text, from)];
  // The value of a header extends to the end of the line; any other value is one word.
  const isHeader = /^:[ \t*]/.test(operator);
  return [from, isHeader ? endOfHeader(text, from) : endOfWord(text, from, /cookies?$/i.test(key))];
}

/** Returns whether an operator compares with a value, or is the arrow of a function. */
function isComparison(text: string, separator: number, operator: string): boolean {
  if (text[separator] !== "=") return false;
  // PHP prints `[password] => …`.
  if (operator.startsWith("=>")) {
    return !/\][ \t]*$/.test(text.slice(Math.max(0, separator - 4), separator));
  }
  return operator.startsWith("==") || /[!<>]/.test(text[separator - 1] ?? "");
}

/** A quoted string: its content, and the position after it. */
interface Quoted {
  readonly from: number;
  readonly to: number;
  readonly after: number;
}

function quotedAt(text: string, at: number): Quoted | undefined {
  QUOTE.lastIndex = at;
  const match = QUOTE.exec(text);
  if (match === null) return undefined;
  const [all, prefix, quote] = match;
  const from = at + all.length;
  const end = /["'`]{3}$/.test(quote) ? text.indexOf(quote, from) : closingQuote(text, from, quote);
  // Two characters and a quote may also be a value and the end of a string.
  if (prefix !== "" && (end < 0 || text.slice(from, end).includes("\n"))) return undefined;
  const to = end < 0 ? text.length : end;
  const after = end < 0 ? to : end + quote.length;
  return prefix === "" ? { from, to, after } : { from: at, to: after, after };
}

/** Returns the end of the literals that follow a value, as in `process.env.KEY ?? "…"`. */
function endOfMore(text: string, at: number, isCondition: boolean): number {
  let end = at;
  for (let isBranch = false;;) {
    const operator = matchAt(MORE, text, end)?.trim();
    if (operator === undefined || operator === "?" && !isCondition) return end;
    if (operator === ":" && !isBranch) return end;
    isBranch = operator === "?";
    const next = quotedAt(text, end + matchAt(MORE, text, end)!.length);
    if (next === undefined) return end;
    end = next.after;
  }
}

function endOfWord(text: string, from: number, isCookie: boolean): number {
  const prefix = matchAt(PREFIX, text, from) ?? "";
  const start = from + prefix.length;
  const quoted = prefix === "" ? undefined : quotedAt(text, start);
  if (quoted !== undefined) return quoted.after;
  const word = matchAt(WORD, text, start)!;
  let end = start + word.length;
  const call = word.indexOf("(");
  if (call >= 0) {
    const rest = text.slice(start + call, start + call + MAX_CALL_CHARS);
    const closed = endOfBrackets(rest, 0, "({[", ")}]");
    if (rest[closed - 1] === ")") end = Math.max(end, start + call + closed);
  }
  for (let next: string | undefined; isCookie && (next = matchAt(NEXT_COOKIE, text, end));) {
    end += next.length + matchAt(WORD, text, end + next.length)!.length;
  }
  return endOfMore(text, end, true);
}

/**
 * Returns the end of a header's line. A quote ends it too, because the header may be in a string,
 * unless it begins a quoted part of the value, as in `Cookie: a="1"; b=2`.
 */
function endOfHeader(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x0a || code === 0x0d) return at;
    if (!isQuoteChar(code) || code === 0x27) continue;
    const quote = quoteAt(text, at);
    if (quote.endsWith("\\")) {
      if (/[rn]/.test(text[at + quote.length] ?? "")) return at;
    } else if (quote.endsWith('"')) {
      if (!/(?:[=|?+(,:]|\bor)\s*[rbfu]{0,2}$/i.test(text.slice(Math.max(from, at - 16), at))) {
        return at;
      }
      const end = closingQuote(text, at + quote.length, quote);
      if (end < 0) return text.length;
      at = end;
    }
    at += quote.length - 1;
  }
  return text.length;
}

/** Returns what a sticky pattern matches at a position. */
function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}
