/**
 * Finds the top-level fields of a JSON object in UTF-8 bytes without parsing their values, so that
 * requests can be split and joined byte for byte. Parsing and serializing would change `1.0` and
 * big integers, and with them digests.
 *
 * The object's own commas, colons, keys and braces are checked; inside values, only that strings
 * end and brackets match. `NaN`, which Python's `json` writes, passes.
 *
 * @module
 */

/** Position of a field; every range is `[start, end)` in the scanned bytes. */
export interface FieldRange {
  /** The key's opening quote. */
  readonly keyStart: number;
  /** Position after the key's closing quote. */
  readonly keyEnd: number;
  /** First byte of the value. */
  readonly start: number;
  /** Position after the last byte of the value, without trailing spaces. */
  readonly end: number;
}

const QUOTE = 0x22, BACKSLASH = 0x5c, COLON = 0x3a, COMMA = 0x2c;
const OPEN_BRACE = 0x7b, CLOSE_BRACE = 0x7d, OPEN_BRACKET = 0x5b, CLOSE_BRACKET = 0x5d;

/** Bytes of a string that are checked one by one before the runtime's search is used. */
const SHORT = 24;
/** Result of a scan that reached the end or an error. */
const BROKEN = -1;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Lists the fields of the object `bytes[start, end)`, spaces around it allowed.
 *
 * @param ranges Emptied, then filled with four numbers per field, in the order of the text:
 * `keyStart`, `keyEnd`, `start`, `end` as in {@linkcode FieldRange}. Reuse it to allocate nothing.
 * @returns `false` if the bytes are not one object; `ranges` then contains the fields before the
 * error.
 *
 * @example
 * ```ts
 * const bytes = new TextEncoder().encode('{"a": [1, 2]}');
 * const ranges: number[] = [];
 * if (!listFields(bytes, 0, bytes.length, ranges)) throw new Error("no object");
 * if (ranges.join() !== "1,4,6,12") throw new Error(ranges.join());
 * ```
 */
export function listFields(
  bytes: Uint8Array,
  start: number,
  end: number,
  ranges: number[],
): boolean {
  ranges.length = 0;
  let at = skipSpace(bytes, start, end);
  if (at >= end || bytes[at] !== OPEN_BRACE) return false;
  at = skipSpace(bytes, at + 1, end);
  if (at < end && bytes[at] === CLOSE_BRACE) return skipSpace(bytes, at + 1, end) === end;
  while (at < end && bytes[at] === QUOTE) {
    const keyEnd = skipString(bytes, at, end);
    if (keyEnd === BROKEN) return false;
    const colon = skipSpace(bytes, keyEnd, end);
    if (colon >= end || bytes[colon] !== COLON) return false;
    const value = skipSpace(bytes, colon + 1, end);
    const valueEnd = skipValue(bytes, value, end);
    if (valueEnd === BROKEN) return false;
    ranges.push(at, keyEnd, value, valueEnd);
    at = skipSpace(bytes, valueEnd, end);
    if (at >= end) return false;
    if (bytes[at] === CLOSE_BRACE) return skipSpace(bytes, at + 1, end) === end;
    if (bytes[at] !== COMMA) return false;
    at = skipSpace(bytes, at + 1, end);
  }
  return false;
}

/**
 * Lists the items of the array `bytes[start, end)`, spaces around it allowed.
 *
 * @param ranges Emptied, then filled with two numbers per item: its start and end.
 * @returns `false` if the bytes are not one array; `ranges` then contains the items before the
 * error.
 *
 * @example
 * ```ts
 * const bytes = new TextEncoder().encode("[1, [2]]");
 * const ranges: number[] = [];
 * if (!listItems(bytes, 0, bytes.length, ranges)) throw new Error("no array");
 * if (ranges.join() !== "1,2,4,7") throw new Error(ranges.join());
 * ```
 */
export function listItems(
  bytes: Uint8Array,
  start: number,
  end: number,
  ranges: number[],
): boolean {
  ranges.length = 0;
  let at = skipSpace(bytes, start, end);
  if (at >= end || bytes[at] !== OPEN_BRACKET) return false;
  at = skipSpace(bytes, at + 1, end);
  if (at < end && bytes[at] === CLOSE_BRACKET) return skipSpace(bytes, at + 1, end) === end;
  while (at < end) {
    const itemEnd = skipValue(bytes, at, end);
    if (itemEnd === BROKEN) return false;
    ranges.push(at, itemEnd);
    at = skipSpace(bytes, itemEnd, end);
    if (at >= end) return false;
    if (bytes[at] === CLOSE_BRACKET) return skipSpace(bytes, at + 1, end) === end;
    if (bytes[at] !== COMMA) return false;
    at = skipSpace(bytes, at + 1, end);
  }
  return false;
}

/**
 * Returns the position after the object that begins at `start`; `undefined` if there is none, or if
 * it does not end before `end`.
 */
export function objectEnd(bytes: Uint8Array, start: number, end: number): number | undefined {
  if (start >= end || bytes[start] !== OPEN_BRACE) return undefined;
  const behind = skipNested(bytes, start, end);
  return behind === BROKEN ? undefined : behind;
}

const shared: number[] = [];

/**
 * Finds a field of the object `bytes[start, end)`. If the name is repeated, returns the last one,
 * as all JSON parsers do.
 *
 * @returns `undefined` if there is none or the bytes are not one object.
 */
export function topLevelField(
  bytes: Uint8Array,
  start: number,
  end: number,
  name: string,
): FieldRange | undefined {
  if (!listFields(bytes, start, end, shared)) return undefined;
  for (let i = shared.length - 4; i >= 0; i -= 4) {
    if (!isKey(bytes, shared[i], shared[i + 1], name)) continue;
    return { keyStart: shared[i], keyEnd: shared[i + 1], start: shared[i + 2], end: shared[i + 3] };
  }
  return undefined;
}

/** Returns whether the string `bytes[start, end)`, including its quotes, equals `name`. */
function isKey(bytes: Uint8Array, start: number, end: number, name: string): boolean {
  let i = start + 1;
  for (; i < end - 1; i++) {
    const byte = bytes[i];
    if (byte === BACKSLASH || byte >= 0x80) return isUnusualKey(bytes, start, end, name);
    if (byte !== name.charCodeAt(i - start - 1)) {
      // A later escape cannot make up for this difference.
      return false;
    }
  }
  return i - start - 1 === name.length;
}

function isUnusualKey(bytes: Uint8Array, start: number, end: number, name: string): boolean {
  const key = bytes.subarray(start, end);
  if (!key.includes(BACKSLASH)) {
    const wanted = encoder.encode('"' + name + '"');
    return wanted.length === key.length && wanted.every((byte, i) => byte === key[i]);
  }
  try {
    return JSON.parse(decoder.decode(key)) === name;
  } catch {
    return false;
  }
}

function skipSpace(bytes: Uint8Array, at: number, end: number): number {
  while (at < end) {
    const byte = bytes[at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
    at++;
  }
  return at;
}

/** Returns the position after the value that begins at `at`. */
function skipValue(bytes: Uint8Array, at: number, end: number): number {
  const first = at < end ? bytes[at] : 0;
  if (first === QUOTE) return skipString(bytes, at, end);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return skipNested(bytes, at, end);
  const start = at;
  while (at < end && isScalarByte(bytes[at])) at++;
  return at === start ? BROKEN : at;
}

/**
 * Returns whether a byte may occur in numbers, `true`, `false`, `null`, and Python's `NaN` and
 * `-Infinity`.
 */
function isScalarByte(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x41 && byte <= 0x5a) || byte === 0x2d || byte === 0x2b || byte === 0x2e;
}

/** Returns the position after the string whose opening quote is at `at`. */
function skipString(bytes: Uint8Array, at: number, end: number): number {
  at++;
  for (;;) {
    const slow = Math.min(end, at + SHORT);
    while (at < slow) {
      const byte = bytes[at++];
      if (byte === QUOTE) return at;
      if (byte === BACKSLASH) at++;
    }
    const start = at;
    const quote = bytes.indexOf(QUOTE, at);
    if (quote === -1 || quote >= end) return BROKEN;
    let before = quote;
    while (before > start && bytes[before - 1] === BACKSLASH) before--;
    at = quote + 1;
    if ((quote - before) % 2 === 0) return at;
  }
}

/** Marks bytes with a meaning inside an object or array: faster than comparisons. */
const STRUCTURAL = new Uint8Array(256);
for (const byte of [QUOTE, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET]) {
  STRUCTURAL[byte] = 1;
}

/** The open brackets. Grows with the depth, which is not limited. */
let open = new Uint8Array(256);

/** Returns the position after the object or array that begins at `at`. */
function skipNested(bytes: Uint8Array, at: number, end: number): number {
  let depth = 0;
  while (at < end) {
    const byte = bytes[at++];
    if (STRUCTURAL[byte] === 0) continue;
    if (byte === QUOTE) {
      at = skipString(bytes, at - 1, end);
      if (at === BROKEN) return BROKEN;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (depth === open.length) {
        const grown = new Uint8Array(depth * 2);
        grown.set(open);
        open = grown;
      }
      open[depth++] = byte;
    } else {
      // In ASCII, a closing bracket or brace is two after its opening one.
      if (open[--depth] !== byte - 2) return BROKEN;
      if (depth === 0) return at;
    }
  }
  return BROKEN;
}
