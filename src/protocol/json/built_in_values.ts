/**
 * Replacements for instances of built-in classes that JSON cannot represent.
 *
 * A class is detected, and its values are read, with a built-in method or accessor that throws for
 * other objects. What an object claims about itself does not matter, and no code of the program
 * runs.
 *
 * @module
 */

import { base64 } from "./base64.ts";
import { classNames, GETTER, prototypeOf, readData } from "./object_facts.ts";
import { describeBytes } from "./size_limits.ts";

/** Maximum number of names of a `Headers` or `FormData` to record. */
const MAX_NAMES = 50;
/** Characters around the base64 of binary data. */
const ENVELOPE_CHARS = 64;
/** Maximum number of entries of a `Map` or `Set` to record. */
const MAX_ENTRIES = 500_000;

const { apply, getOwnPropertyDescriptor } = Reflect;

/**
 * Returns the replacement for an instance of a built-in class, a primitive or a plain object;
 * `undefined` for an object of any other class.
 *
 * @param value Not a proxy.
 * @param maxChars Maximum characters for binary data.
 */
export function builtInValue(value: object, maxChars: number): unknown {
  if (ArrayBuffer.isView(value)) return binaryValue(value, maxChars);
  for (const name of classNames(value)) {
    const convert = CONVERSIONS.get(name);
    if (convert === undefined) continue;
    try {
      return convert(value, maxChars);
    } catch {
      // A class of the program with the name of a built-in one.
    }
  }
  return isArguments(value) ? argumentsValue(value) : undefined;
}

/** Returns whether an object's class has the name of a built-in class. */
export function resemblesBuiltIn(value: object): boolean {
  for (const name of classNames(value)) if (CONVERSIONS.has(name)) return true;
  return false;
}

/** Reads a built-in accessor, which throws for instances of any other class. */
function slot(name: string, key: string, value: object): unknown {
  const owner = (globalThis as unknown as Record<string, { prototype?: object } | undefined>)[name];
  const getter = owner?.prototype && getOwnPropertyDescriptor(owner.prototype, key)?.get;
  if (getter === undefined) throw new TypeError(`No ${name} on this host`);
  return apply(getter, value, []);
}

type Conversion = (value: object, maxChars: number) => unknown;

/**
 * Conversions by class name. Each throws for an object that is not an instance of the built-in
 * class.
 */
const CONVERSIONS: ReadonlyMap<string, Conversion> = new Map(Object.entries(
  {
    Date: (value) => {
      const time = apply(Date.prototype.getTime, value, []);
      return Number.isNaN(time) ? null : new Date(time).toISOString();
    },
    Map: (value) => mapValue(value as Map<unknown, unknown>),
    Set: (value) => {
      const items: unknown[] = [];
      for (const item of apply(Set.prototype.values, value, [])) {
        if (items.length === MAX_ENTRIES) break;
        items.push(item);
      }
      return items;
    },
    ArrayBuffer: bufferValue,
    SharedArrayBuffer: bufferValue,
    RegExp: (value) => `/${slot("RegExp", "source", value)}/${regExpFlags(value)}`,
    URL: (value) => slot("URL", "href", value),
    URLSearchParams: (value) => apply(URLSearchParams.prototype.toString, value, []),
    Number: (value) => apply(Number.prototype.valueOf, value, []),
    String: (value) => apply(String.prototype.valueOf, value, []),
    Boolean: (value) => apply(Boolean.prototype.valueOf, value, []),
    BigInt: (value) => apply(BigInt.prototype.valueOf, value, []),
    Symbol: (value) => apply(Symbol.prototype.valueOf, value, []),
    Headers: (value) => inBrackets("Headers", namesOf(Headers.prototype.keys, value), ": "),
    FormData: (value) => inBrackets("FormData", namesOf(FormData.prototype.keys, value), ": "),
    Request: (value) => inBrackets("Request", slot("Request", "method", value), ": "),
    Response: (value) => inBrackets("Response", slot("Response", "status", value), ": "),
    Blob: blobValue("Blob"),
    File: blobValue("File"),
  } satisfies Record<string, Conversion>,
));

function blobValue(name: string): Conversion {
  return (value) =>
    inBrackets(name, `${slot("Blob", "size", value)} bytes, ${slot("Blob", "type", value)}`, ": ");
}

const FLAGS = {
  d: "hasIndices",
  g: "global",
  i: "ignoreCase",
  m: "multiline",
  s: "dotAll",
  u: "unicode",
  v: "unicodeSets",
  y: "sticky",
};

/**
 * Avoids the `flags` getter, which reads properties of the pattern that the program may have
 * defined.
 */
function regExpFlags(value: object): string {
  let flags = "";
  for (const [flag, name] of Object.entries(FLAGS)) {
    if (getOwnPropertyDescriptor(RegExp.prototype, name) && slot("RegExp", name, value)) {
      flags += flag;
    }
  }
  return flags;
}

function mapValue(map: Map<unknown, unknown>): object {
  const entries: [unknown, unknown][] = [];
  for (const entry of apply(Map.prototype.entries, map, [])) {
    if (entries.length === MAX_ENTRIES) break;
    entries.push(entry);
  }
  if (!entries.every(([key]) => typeof key === "string")) return entries;
  // Without a prototype, `__proto__` is a key like any other.
  const object: Record<string, unknown> = Object.create(null);
  for (const [key, item] of entries) object[key as string] = item;
  return object;
}

function namesOf(keys: () => Iterable<string>, fields: object): string {
  const names = new Set<string>();
  let seen = 0;
  for (const name of apply(keys, fields, []) as Iterable<string>) {
    if (++seen > MAX_NAMES) return [...names, "…"].join(", ");
    names.add(name);
  }
  return [...names].join(", ");
}

function isArguments(value: object): boolean {
  // An object with its own tag can have any name.
  return prototypeOf(value) === Object.prototype && !Object.hasOwn(value, Symbol.toStringTag) &&
    Object.prototype.toString.call(value) === "[object Arguments]";
}

function argumentsValue(value: object): unknown[] {
  const length = readData(value, "length");
  const count = typeof length === "number" ? Math.min(length, Object.keys(value).length) : 0;
  return Array.from({ length: count }, (_, i) => {
    const item = getOwnPropertyDescriptor(value, i);
    return item?.get === undefined ? item?.value : GETTER;
  });
}

const typedArray = Object.getPrototypeOf(Uint8Array.prototype);
const typeOf = getOwnPropertyDescriptor(typedArray, Symbol.toStringTag)!.get!;

function binaryValue(view: ArrayBufferView, maxChars: number): object {
  const type = apply(typeOf, view, []) as string | undefined;
  const own = (key: string) =>
    apply(
      getOwnPropertyDescriptor(type === undefined ? DataView.prototype : typedArray, key)!.get!,
      view,
      [],
    );
  const bytes = new Uint8Array(own("buffer"), own("byteOffset"), own("byteLength"));
  return bytesValue(type ?? "DataView", bytes, maxChars);
}

function bufferValue(value: object, maxChars: number): object {
  // Throws if the object is not a buffer: an array-like would be copied.
  const shared = typeof SharedArrayBuffer === "function" && isSharedBuffer(value);
  if (!shared) slot("ArrayBuffer", "byteLength", value);
  return bytesValue(
    shared ? "SharedArrayBuffer" : "ArrayBuffer",
    new Uint8Array(value as ArrayBuffer),
    maxChars,
  );
}

function isSharedBuffer(value: object): boolean {
  try {
    slot("SharedArrayBuffer", "byteLength", value);
    return true;
  } catch {
    return false;
  }
}

function bytesValue(type: string, bytes: Uint8Array, maxChars: number): object {
  const chars = Math.ceil(bytes.length / 3) * 4 + ENVELOPE_CHARS;
  if (chars > maxChars) return describeBytes(type, bytes);
  return { _type: type, base64: base64(bytes) };
}

/** Returns `<name: detail>`, without the detail if that is not a string or a number. */
export function inBrackets(name: unknown, detail?: unknown, separator?: string): string {
  const shown = typeof detail === "string" || typeof detail === "number" ? String(detail) : "";
  return "<" + (typeof name === "string" && name !== "" ? name : "object") +
    (shown === "" ? "" : separator + shown) + ">";
}
