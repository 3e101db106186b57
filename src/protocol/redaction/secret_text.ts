/**
 * Secrets inside text that are recognized by their format: tokens, credentials in headers and URLs,
 * private keys.
 *
 * Every string of every traced call is searched. The search therefore starts with what all secrets
 * have and most text does not: a long run of token characters, a separator, or the word "Bearer".
 *
 * @module
 */

/** Replacement for a secret. */
export const REDACTED = "[REDACTED]";

/** Minimum length of a run that is inspected as a token. */
const RUN = 16;

/** Characters of tokens: letters, digits and `-_.+/=`. */
const TOKEN_CHARS: Uint8Array = Uint8Array.from(
  { length: 128 },
  (_, code) => /[A-Za-z0-9\-_.+/=]/.test(String.fromCharCode(code)) ? 1 : 0,
);

/**
 * Returns whether a text may contain the name of a secret before a separator: an assignment, a
 * header, JSON, or a list of quoted texts, which may be pairs.
 */
export function mayHoldName(text: string): boolean {
  return text.includes(":") || text.includes("=") || text.includes('",') || text.includes("',");
}

/** Returns whether a text may contain a secret of a known format; never misses one. */
export function mayHoldToken(text: string): boolean {
  return hasBearer(text) || nextRun(text, 0) >= 0;
}

/** Searches for whole words: an engine looks for the first character, and few texts have a "b". */
function hasBearer(text: string): boolean {
  return text.includes("bearer ") || text.includes("Bearer ") || text.includes("BEARER ");
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

/** Returns whether a character can occur in a token. */
export function isTokenChar(code: number): boolean {
  return code < 128 && TOKEN_CHARS[code] === 1;
}

/** Returns whether a text consists of token characters, and of so many that it is a run. */
export function isRun(text: string): boolean {
  if (text.length < RUN) return false;
  for (let at = 0; at < text.length; at++) if (!isTokenChar(text.charCodeAt(at))) return false;
  return true;
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
/** A token of these formats contains one of these. */
const TOKEN_MARKS = ["-", "_", "AKIA", "ASIA", "AIza", "eyJ"];

/** Returns whether a run may contain a token: much faster than the expression. */
function mayBeToken(run: string): boolean {
  for (const mark of TOKEN_MARKS) if (run.includes(mark)) return true;
  return false;
}

const PRIVATE_KEY =
  /-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|$)/g;
/**
 * In prose, words follow these too: a token contains a digit, or follows the capitalized form. An
 * escaped line break may precede it.
 */
const BEARER =
  /(?:\b|(?<=\\[nrt]))(B(?:earer|EARER)\s+|bearer\s+(?=[^\s"',;\\]*[0-9]))[^\s"',;\\]{6,}/g;
/** The password of a URL, which may contain an `@`. */
const URL_PASSWORD = /(:\/\/[^\s/@:"']*:)[^\s/"']+(?=@)/g;

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

/** Replaces private keys in PEM format with {@linkcode REDACTED}. */
export function redactPrivateKeys(text: string): string {
  return text.includes("PRIVATE KEY") ? text.replace(PRIVATE_KEY, REDACTED) : text;
}

function redactRuns(text: string, literals: readonly string[]): string {
  let start = nextRun(text, 0);
  if (start < 0) return text;
  let result = "";
  let done = 0;
  while (start >= 0) {
    let end = start + RUN;
    while (end < text.length && isTokenChar(text.charCodeAt(end))) end++;
    const run = text.slice(start, end);
    const redacted = isCredential(text, start, run)
      ? REDACTED
      : redactRun(run, escapeLength(text, start), literals);
    if (redacted !== run) {
      result += text.slice(done, start) + redacted;
      done = end;
    }
    start = nextRun(text, end);
  }
  return done === 0 ? text : result + text.slice(done);
}

/** The rest of an escape sequence at the beginning of a run: `\n`, `\u003d`, `%3D`. */
const ESCAPES: Readonly<Record<string, RegExp>> = {
  "\\": /(?:[bfnrtv]|u[0-9a-f]{4}|x[0-9a-f]{2})/iy,
  "%": /[0-9a-f]{2}/iy,
};

/** Returns the number of characters of a run that belong to an escape sequence before it. */
function escapeLength(text: string, start: number): number {
  const code = text.charCodeAt(start - 1);
  if (code !== 0x5c && code !== 0x25) return 0;
  const pattern = ESCAPES[text[start - 1]];
  if (pattern === undefined) return 0;
  pattern.lastIndex = start;
  return pattern.exec(text)?.[0].length ?? 0;
}

/**
 * Returns whether a run is a credential in a header: in prose, the next word has no digit or
 * capital letter.
 */
function isCredential(text: string, start: number, run: string): boolean {
  return text.charCodeAt(start - 1) === 0x20 &&
    /(?:basic|bearer) $/i.test(text.slice(Math.max(0, start - 7), start)) &&
    /[0-9A-Z=]/.test(run);
}

/**
 * Maximum length of a run that is searched completely; of a longer one without `-_.`, only the
 * beginning is.
 */
const LONG_RUN = 512;

/**
 * @param escape Characters at the beginning that may belong to an escape sequence, or to a token.
 */
function redactRun(run: string, escape: number, literals: readonly string[]): string {
  let result = run;
  for (const literal of literals) {
    if (result.includes(literal)) result = result.replaceAll(literal, REDACTED);
  }
  if (!mayBeToken(result)) return result;
  // Base64 of images and the like: a token in it would be a coincidence.
  const isData = result.length > LONG_RUN && !/[-_.]/.test(result);
  const end = isData ? LONG_RUN : result.length;
  const rest = result.slice(end);
  result = result.slice(0, end).replace(TOKENS, REDACTED);
  if (escape === 0) return result + rest;
  return result.slice(0, escape) + result.slice(escape).replace(TOKENS, REDACTED) + rest;
}
