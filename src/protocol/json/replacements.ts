/**
 * What stands in a record for objects that JSON does not know. The table of `values.ts` is the
 * contract.
 *
 * @module
 */

/** Names of a `Headers` or `FormData` that are told. */
const MAX_NAMES = 50;
/** Bytes turned into text at a time: hosts limit the arguments of a call; a multiple of 3. */
const CHUNK = 8190;

/** Says in place of a value that user code failed. */
export function errorText(error: unknown): string {
  try {
    const message = (error as { message?: unknown } | null | undefined)?.message;
    return "<error: " + (typeof message === "string" ? message : String(error)) + ">";
  } catch {
    return "<error>";
  }
}

/**
 * What is written in place of an object or function: a primitive, or an object whose own
 * enumerable properties (or items) are written. The object itself when those are its own.
 *
 * @throws What user code throws: `toJSON`, getters, proxies.
 */
export function standIn(value: object): unknown {
  if (Array.isArray(value)) return value;
  if (typeof value === "function") return inBrackets("function", safeRead(value, "name"), " ");
  const known = builtInStandIn(value);
  if (known !== undefined) return known;
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON !== "function") return otherStandIn(value);
  const result: unknown = toJSON.call(value, "");
  if (typeof result !== "object" || result === null || Array.isArray(result)) return result;
  // As in JSON, what a toJSON returns is not asked for its own.
  return builtInStandIn(result) ?? otherStandIn(result);
}

/**
 * Asked before `toJSON`: a Buffer's gives an array of numbers, those of errors and of Bun's Headers
 * give away what should stay secret. `undefined` for any other object.
 */
function builtInStandIn(value: object): unknown {
  const tag = tagOf(value);
  if (ArrayBuffer.isView(value)) {
    return base64(tag, new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  }
  if (tag === "Error" || value instanceof Error) return errorStandIn(value);
  try {
    return listedStandIn(value, tag);
  } catch {
    // It only bears the name of a built-in class.
    return undefined;
  }
}

function otherStandIn(value: object): unknown {
  if ("_readableState" in value || "_writableState" in value) {
    return inBrackets(safeRead(safeRead(value, "constructor"), "name"));
  }
  const tag = tagOf(value);
  return tag === "Object" || Object.keys(value).length > 0 ? value : inBrackets(tag);
}

function tagOf(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** `undefined` for a tag that is not listed; throws when the object is not what its tag says. */
function listedStandIn(value: object, tag: string): unknown {
  const described = value as Record<string, unknown>;
  switch (tag) {
    case "Date": {
      const time = Date.prototype.getTime.call(value);
      return Number.isNaN(time) ? null : new Date(time).toISOString();
    }
    case "Map":
      return mapStandIn(value as Map<unknown, unknown>);
    case "Set": {
      const items: unknown[] = [];
      Set.prototype.forEach.call(value, (item) => items.push(item));
      return items;
    }
    case "ArrayBuffer":
    case "SharedArrayBuffer":
      return base64(tag, new Uint8Array(value as ArrayBuffer));
    case "RegExp":
      return RegExp.prototype.toString.call(value);
    case "URL":
      return URL.prototype.toString.call(value);
    case "URLSearchParams":
      return URLSearchParams.prototype.toString.call(value);
    case "Number":
      return Number.prototype.valueOf.call(value);
    case "String":
      return String.prototype.valueOf.call(value);
    case "Boolean":
      return Boolean.prototype.valueOf.call(value);
    case "BigInt":
      return BigInt.prototype.valueOf.call(value);
    case "Symbol":
      return Symbol.prototype.valueOf.call(value);
    case "Arguments":
      return Array.from(value as ArrayLike<unknown>);
    case "Headers":
    case "FormData":
      return inBrackets(tag, namesOf(value as { keys(): Iterable<string> }), ": ");
    case "Request":
      return inBrackets(tag, described.method, ": ");
    case "Response":
      return inBrackets(tag, described.status, ": ");
    case "Blob":
    case "File":
      return inBrackets(tag, `${described.size} bytes, ${described.type}`, ": ");
  }
  return undefined;
}

function mapStandIn(map: Map<unknown, unknown>): object {
  const entries: [unknown, unknown][] = [];
  Map.prototype.forEach.call(map, (item, key) => entries.push([key, item]));
  if (!entries.every(([key]) => typeof key === "string")) return entries;
  // Without a prototype, so that a key `__proto__` is a key like any other.
  const object: Record<string, unknown> = Object.create(null);
  for (const [key, item] of entries) object[key as string] = item;
  return object;
}

function namesOf(fields: { keys(): Iterable<string> }): string {
  const names = new Set<string>();
  for (const name of fields.keys()) {
    if (names.size === MAX_NAMES) return [...names, "…"].join(", ");
    names.add(name);
  }
  return [...names].join(", ");
}

function errorStandIn(error: object): object {
  const object: Record<string, unknown> = {
    name: safeRead(error, "name"),
    message: safeRead(error, "message"),
    stack: safeRead(error, "stack"),
  };
  for (const key of ["code", "cause", "errors"]) {
    const value = safeRead(error, key);
    if (value !== undefined) object[key] = value;
  }
  return object;
}

function safeRead(object: unknown, key: string): unknown {
  try {
    return (object as Record<string, unknown> | undefined)?.[key];
  } catch (error) {
    return errorText(error);
  }
}

function base64(type: string, bytes: Uint8Array): object {
  let text = "";
  for (let at = 0; at < bytes.length; at += CHUNK) {
    text += btoa(String.fromCharCode(...bytes.subarray(at, at + CHUNK)));
  }
  return { _type: type, base64: text };
}

function inBrackets(name: unknown, detail?: unknown, separator?: string): string {
  const shown = typeof detail === "string" || typeof detail === "number" ? String(detail) : "";
  return "<" + (typeof name === "string" && name !== "" ? name : "object") +
    (shown === "" ? "" : separator + shown) + ">";
}
