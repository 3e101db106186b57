/**
 * Parses the text of a netrc file: machines and their passwords, like `netrc` of Python's standard
 * library.
 *
 * @module
 */

/** One entry of a netrc file. */
export interface NetrcEntry {
  /** Host name; `undefined` for the `default` entry, which matches every machine. */
  machine: string | undefined;
  login?: string;
  password?: string;
  /** Start and end of the entry in the file's text. */
  readonly start: number;
  end: number;
}

interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Keywords that are followed by a value, and the fields that they set. */
const FIELDS: Readonly<Record<string, "login" | "password" | undefined>> = {
  login: "login",
  user: "login",
  password: "password",
  account: undefined,
};

/**
 * Parses the entries of a netrc file.
 *
 * Tokens are separated by white space, on one line or several. A token in double quotes may contain
 * spaces; a backslash escapes the next character, inside and outside of quotes. `#` in place of a
 * keyword starts a comment. Macros (`macdef` up to an empty line) and unknown words are skipped.
 */
export function parseNetrc(text: string): NetrcEntry[] {
  const entries: NetrcEntry[] = [];
  let entry: NetrcEntry | undefined;
  let at = 0;
  const next = (): Token | undefined => {
    const token = tokenAt(text, at);
    if (token) at = token.end;
    return token;
  };
  for (let token = next(); token; token = next()) {
    if (token.text.startsWith("#")) {
      at = endOfLine(text, token.start);
      continue;
    }
    if (token.text === "macdef") {
      at = endOfMacro(text, token.end);
      entry = undefined;
    } else if (token.text === "machine" || token.text === "default") {
      const machine = token.text === "machine" ? next()?.text ?? "" : undefined;
      entry = { machine, start: token.start, end: at };
      entries.push(entry);
    } else if (Object.hasOwn(FIELDS, token.text)) {
      const field = FIELDS[token.text];
      const value = next()?.text;
      if (entry && field !== undefined && value !== undefined) entry[field] = value;
    }
    if (entry) entry.end = at;
  }
  return entries;
}

/**
 * Returns the password for the first of `machines` that has an entry with one. If a machine has
 * several entries, the last one counts, as in the official SDKs.
 */
export function passwordFor(
  entries: readonly NetrcEntry[],
  machines: readonly (string | undefined)[],
): NetrcEntry | undefined {
  for (const machine of machines) {
    const found = entries.filter((entry) => entry.machine === machine && entry.password).at(-1);
    if (found) return found;
  }
  return undefined;
}

/**
 * Returns the netrc text with the password of `machine` set. Removes its old entries, and puts the
 * new one first (before a `default`, at which some readers stop); everything else is unchanged.
 */
export function withNetrcEntry(text: string, machine: string, password: string): string {
  let kept = "";
  let at = 0;
  for (const entry of parseNetrc(text)) {
    if (entry.machine !== machine) continue;
    kept += text.slice(at, entry.start);
    // Removes the rest of the line with the entry, unless it contains something else.
    at = entry.end + /^[ \t]*(?:\r?\n)?/.exec(text.slice(entry.end))![0].length;
  }
  kept += text.slice(at);
  if (kept !== "" && !kept.endsWith("\n")) kept += "\n";
  return `machine ${quote(machine)}\n  login user\n  password ${quote(password)}\n${kept}`;
}

/**
 * Returns a value as one token. Plain words stay unquoted, because some readers do not support
 * quotes.
 */
function quote(value: string): string {
  return /^[^\s"\\#][^\s"\\]*$/.test(value) ? value : `"${value.replace(/["\\]/g, "\\$&")}"`;
}

/** Returns the next token at or after `from`. */
function tokenAt(text: string, from: number): Token | undefined {
  const space = /\S/g;
  space.lastIndex = from;
  const start = space.exec(text)?.index;
  if (start === undefined) return undefined;
  const quoted = text[start] === '"';
  const ends = quoted ? /"/ : /\s/;
  let value = "";
  let at = quoted ? start + 1 : start;
  for (; at < text.length && !ends.test(text[at]); at++) {
    if (text[at] === "\\") at++;
    value += text[at] ?? "";
  }
  return { text: value, start, end: Math.min(quoted ? at + 1 : at, text.length) };
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end === -1 ? text.length : end;
}

/** Returns the end of a macro, which is an empty line. */
function endOfMacro(text: string, from: number): number {
  const end = /\r?\n[ \t]*\r?\n/g;
  end.lastIndex = from;
  const found = end.exec(text);
  return found ? found.index + found[0].length : text.length;
}
