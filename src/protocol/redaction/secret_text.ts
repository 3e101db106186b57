/**
 * Secrets inside text: tokens of known formats, header lines, assignments, credentials in URLs.
 *
 * Every string of every traced call is searched. The search therefore starts with what all secrets
 * have and most text does not: a long run of token characters, a separator, or the word "Bearer".
 *
 * @module
 */

import { endOfBrackets } from "./json_fragments.ts";
import type { SecretKeys } from "./secret_keys.ts";

/** Replacement for a secret. */
export const REDACTED = "[REDACTED]";

/** Minimum length of a run that is inspected as a token. */
const RUN = 16;

/** Characters of tokens: letters, digits and `-_.+/=`. */
const TOKEN_CHARS: Uint8Array = Uint8Array.from(
  { length: 128 },
  (_, code) => /[A-Za-z0-9\-_.+/=]/.test(String.fromCharCode(code)) ? 1 : 0,
);

/** Returns whether a text may contain a secret. Never misses a secret of a known format. */
export function mayHoldSecret(text: string): boolean {
  return text.includes(":") || text.includes("=") || hasBearer(text) || nextRun(text, 0) >= 0;
}

/**
 * Returns the start of the next run of token characters that is long enough; -1 if there is none.
 */
function nextRun(text: string, from: number): number {
  const { length } = text;
  let end = from + RUN - 1;
  // Starts at the last possible character of a run: most text is skipped unread.
  while (end < length) {
    let at = end;
    while (at > end - RUN && isTokenChar(text.charCodeAt(at))) at--;
    if (at === end - RUN) return end - RUN + 1;
    end = at + RUN;
  }
  return -1;
}

function isTokenChar(code: number): boolean {
  return code < 128 && TOKEN_CHARS[code] === 1;
}

/** Tokens that are recognized by their format. */
const TOKENS = new RegExp(
  "(?<![A-Za-z0-9])(?:" + [
    "sk-[A-Za-z0-9_-]{16,}", // OpenAI, Anthropic and others
    "(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}", // Stripe
    "(?:AKIA|ASIA)[0-9A-Z]{16}", // AWS
    "AIza[A-Za-z0-9_-]{35}", // Google
    "gh[oprsu]_[A-Za-z0-9]{36,}", // GitHub
    "github_pat_[A-Za-z0-9_]{22,}",
    "glpat-[A-Za-z0-9_-]{20,}", // GitLab
    "xox[abeoprs]-[A-Za-z0-9-]{10,}", // Slack
    "hf_[A-Za-z0-9]{30,}", // Hugging Face
    "npm_[A-Za-z0-9]{36}",
    "wandb_v[0-9]+_[A-Za-z0-9_]{16,}",
    "eyJ[A-Za-z0-9_-]{6,}\\.eyJ[A-Za-z0-9_-]{6,}\\.[A-Za-z0-9_-]*", // JSON web tokens
  ].join("|") + ")",
  "g",
);
const PRIVATE_KEY =
  /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)/g;
/** In prose, words follow these too: a token contains a digit, or follows the capitalized form. */
const BEARER = /\b(Bearer\s+|bearer\s+(?=[^\s"',;\\]*[0-9]))[^\s"',;\\]{6,}/g;
const URL_PASSWORD = /(:\/\/[^\s/@:"']*:)[^\s/@"']+(?=@)/g;

/**
 * Replaces tokens of known formats, and `literals`, with {@linkcode REDACTED}; returns the same
 * text if it has none.
 */
export function redactTokens(text: string, literals: readonly string[]): string {
  let result = redactRuns(text, literals);
  if (hasBearer(result)) result = result.replace(BEARER, `$1${REDACTED}`);
  if (!result.includes("://") || !result.includes("@")) return result;
  return result.replace(URL_PASSWORD, `$1${REDACTED}`);
}

function hasBearer(text: string): boolean {
  return text.includes("earer ");
}

function redactRuns(text: string, literals: readonly string[]): string {
  let start = nextRun(text, 0);
  if (start < 0) return text;
  if (text.includes("PRIVATE KEY-----")) {
    const rest = text.replace(PRIVATE_KEY, REDACTED);
    if (rest !== text) return redactRuns(rest, literals);
  }
  let result = "";
  let done = 0;
  while (start >= 0) {
    let end = start + RUN;
    while (end < text.length && isTokenChar(text.charCodeAt(end))) end++;
    const run = text.slice(start, end);
    const redacted = isCredential(text, start, run) ? REDACTED : redactRun(run, literals);
    if (redacted !== run) {
      result += text.slice(done, start) + redacted;
      done = end;
    }
    start = nextRun(text, end);
  }
  return done === 0 ? text : result + text.slice(done);
}

/**
 * Returns whether a run is a credential in a header: in prose, the next word has no digit or
 * capital letter.
 */
function isCredential(text: string, start: number, run: string): boolean {
  return /(?:basic|bearer) $/i.test(text.slice(Math.max(0, start - 7), start)) &&
    /[0-9A-Z=]/.test(run);
}

/**
 * Maximum length of a run that is searched completely; of a longer one without `-_.`, only the
 * beginning is.
 */
const LONG_RUN = 512;

function redactRun(run: string, literals: readonly string[]): string {
  let result = run;
  for (const literal of literals) {
    if (result.includes(literal)) result = result.replaceAll(literal, REDACTED);
  }
  // Base64 of images and the like: a token in it would be a coincidence.
  if (result.length > LONG_RUN && !/[-_.]/.test(result)) {
    return result.slice(0, LONG_RUN).replace(TOKENS, REDACTED) + result.slice(LONG_RUN);
  }
  return result.replace(TOKENS, REDACTED);
}

/** Maximum length of a name before a separator. */
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
    const key = keyBefore(text, at);
    if (key === "" || !keys.has(key)) continue;
    const [from, to] = valueAfter(text, at);
    if (to === from || text.startsWith(REDACTED, from)) continue;
    result += text.slice(done, from) + REDACTED;
    done = to;
  }
  return done === 0 ? text : result + text.slice(done);
}

/** Returns the name before a separator, without its quotes, which may be escaped. */
function keyBefore(text: string, separator: number): string {
  let end = separator;
  while (end > 0 && isAround(text.charCodeAt(end - 1))) end--;
  let start = end;
  while (start > 0 && end - start < MAX_KEY_CHARS && isKeyChar(text.charCodeAt(start - 1))) start--;
  return start === end ? "" : text.slice(start, end);
}

/** Returns whether a character is a blank, a quote or a backslash that escapes one. */
function isAround(code: number): boolean {
  return code === 0x20 || code === 0x22 || code === 0x27 || code === 0x5c || code === 0x09;
}

function isKeyChar(code: number): boolean {
  return isTokenChar(code) && code !== 0x2b && code !== 0x2f && code !== 0x3d || code > 127;
}

/** Returns start and end of the value after a separator. */
function valueAfter(text: string, separator: number): [number, number] {
  let from = separator + 1;
  while (text[from] === " " || text[from] === "\t") from++;
  const [quote] = /^\\*["']/.exec(text.slice(from, from + MAX_KEY_CHARS)) ?? [];
  if (quote !== undefined) {
    from += quote.length;
    const end = text.indexOf(quote, from);
    return [from, end < 0 ? text.length : end];
  }
  if (text[from] === "{" || text[from] === "[") return [from, endOfBrackets(text, from)];
  // The value of a header extends to the end of the line; any other value is one word.
  const isHeader = text[separator] === ":" && text[separator + 1] === " ";
  const end = (isHeader ? /[\r\n"]|\\[rn"]/ : /[\s"',;&)}\]\\]/).exec(text.slice(from));
  return [from, end === null ? text.length : from + end.index];
}
