/**
 * JSON as written by a caller: fields and items are slices of its text, so that recorded and
 * forwarded data is byte for byte the original. Parsing and serializing would change `1.0` and big
 * integers, and with them digests.
 *
 * @module
 */

import { parse } from "lossless-json";
import { listFields, listItems } from "../../bytes/json_fields.ts";
import { pythonNumber } from "../../protocol/digest/python_number.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strictDecoder = new TextDecoder("utf-8", { fatal: true });

/** Escapes of UTF-16 units: complete pairs, and captured lone surrogates. */
const UNITS =
  /\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|\\(u[dD][89a-fA-F][\da-fA-F]{2})|\\./g;

/** A JSON text. */
export interface ReadJson {
  readonly text: string;
  /** The text, encoded as UTF-8. */
  readonly bytes: Uint8Array;
  readonly value: unknown;
}

/**
 * Reads the text of a request, on one line and without lone surrogates, which the server stores but
 * then cannot read.
 *
 * @throws {SyntaxError} If it is not JSON.
 * @throws {TypeError} If it is not UTF-8.
 */
export function readJson(bytes: Uint8Array): ReadJson {
  const given = strictDecoder.decode(bytes);
  let text = given;
  const value: unknown = JSON.parse(text);
  // Line breaks occur only outside of strings: inside, JSON requires escapes.
  if (/[\r\n]/.test(text)) text = text.replace(/[\r\n]+/g, " ");
  if (/\\ud/i.test(text)) {
    text = text.replace(UNITS, (escape, half) => half === undefined ? escape : "\\ufffd");
  }
  return { text, value, bytes: text === given ? bytes : encoder.encode(text) };
}

/**
 * Matches digits that Python and JavaScript may read as different numbers; may also match in
 * strings.
 */
const INEXACT = /\d\.\d*0(?!\d)|\d{16}|\d[eE]/;

/** Returns the value of a JSON text, with numbers as Python reads them, for digests. */
export function readExact(text: string): unknown {
  if (!INEXACT.test(text)) return JSON.parse(text);
  return parse(text, null, {
    parseNumber: pythonNumber,
    // The last one wins, as in all other parsers; this one throws by default.
    onDuplicateKey: ({ newValue }) => newValue,
  });
}

/** A JSON object, by field. */
export class JsonObject {
  readonly #bytes: Uint8Array;
  readonly #ranges: number[] = [];
  readonly #at = new Map<string, number>();

  /** @throws {TypeError} If the bytes are not one object. */
  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    if (!listFields(bytes, start, end, this.#ranges)) throw new TypeError("Not a JSON object");
    this.#bytes = bytes;
    for (let i = 0; i < this.#ranges.length; i += 4) {
      const key = this.#slice(this.#ranges[i], this.#ranges[i + 1]);
      this.#at.set(key.includes("\\") ? JSON.parse(key) as string : key.slice(1, -1), i);
    }
  }

  /** Parses the text of an object. */
  static of(text: string): JsonObject {
    return new JsonObject(encoder.encode(text));
  }

  /** Returns the text of a field's value; `undefined` if it is missing. */
  text(name: string): string | undefined {
    const at = this.#at.get(name);
    return at === undefined ? undefined : this.#slice(this.#ranges[at + 2], this.#ranges[at + 3]);
  }

  /** Returns whether a field exists and is not `null`. */
  has(name: string): boolean {
    return (this.text(name) ?? "null") !== "null";
  }

  /** Returns the value of a string field; `undefined` for other types. */
  string(name: string): string | undefined {
    const text = this.text(name);
    return text?.startsWith('"') ? JSON.parse(text) as string : undefined;
  }

  /**
   * Returns the object in a field.
   *
   * @throws {TypeError} If there is none.
   */
  object(name: string): JsonObject {
    const at = this.#at.get(name);
    if (at === undefined) throw new TypeError(`No field: ${name}`);
    return new JsonObject(this.#bytes, this.#ranges[at + 2], this.#ranges[at + 3]);
  }

  /**
   * Returns the objects in an array field.
   *
   * @throws {TypeError} If it is not an array of objects.
   */
  objects(name: string): JsonObject[] {
    return this.#items(name, (start, end) => new JsonObject(this.#bytes, start, end));
  }

  /**
   * Returns the texts of the items in an array field.
   *
   * @throws {TypeError} If it is not an array.
   */
  texts(name: string): string[] {
    return this.#items(name, (start, end) => this.#slice(start, end));
  }

  /** Returns the selected fields as written: `"a":1,"b":2`. */
  members(wanted: (name: string) => boolean): string {
    let text = "";
    for (const [name, at] of this.#at) {
      if (!wanted(name)) continue;
      const [keyStart, keyEnd, start, end] = this.#ranges.slice(at, at + 4);
      text += `${text === "" ? "" : ","}${this.#slice(keyStart, keyEnd)}:${
        this.#slice(start, end)
      }`;
    }
    return text;
  }

  #items<T>(name: string, read: (start: number, end: number) => T): T[] {
    const at = this.#at.get(name);
    const ranges: number[] = [];
    if (
      at === undefined ||
      !listItems(this.#bytes, this.#ranges[at + 2], this.#ranges[at + 3], ranges)
    ) throw new TypeError(`Not an array: ${name}`);
    const items: T[] = [];
    for (let i = 0; i < ranges.length; i += 2) items.push(read(ranges[i], ranges[i + 1]));
    return items;
  }

  #slice(start: number, end: number): string {
    return decoder.decode(this.#bytes.subarray(start, end));
  }
}

/** Joins fields to an object; skips empty strings. */
export function jsonObject(...members: string[]): string {
  return `{${members.filter((text) => text !== "").join(",")}}`;
}
