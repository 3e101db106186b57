/**
 * Derives the name of an op, and the ID under which it is saved.
 *
 * @module
 */

import { bytesDigest } from "../../protocol/digest/digest.ts";
import { classNames, isProxy, prototypeOf, readData } from "../../protocol/json/object_facts.ts";
import { cleanObjectId, clip, isObjectId, MAX_OBJECT_ID_LENGTH } from "../objects/object_id.ts";
import type { AnyFunction, OpOptions } from "./op_types.ts";

/** Name of functions without a name. */
const ANONYMOUS = "anonymous";

/**
 * Returns the op's name: the given one, `Class.method` for a bound method, or the function's name.
 */
export function opName(fn: AnyFunction, options: OpOptions<AnyFunction>): string {
  if (options.name) return options.name;
  const name = nameOf(options.originalFunction) || nameOf(fn) || ANONYMOUS;
  return memberName(options.bindThis == null ? undefined : classNameOf(options.bindThis), name);
}

/** Returns `Class.method`, or the method's name if its class is unknown. */
export function memberName(owner: string | undefined, name: string): string {
  return owner === undefined ? name : `${owner}.${name}`;
}

function nameOf(fn: unknown): string | undefined {
  const name = typeof fn === "function" ? readData(fn, "name") : undefined;
  return typeof name === "string" ? name : undefined;
}

/** Returns the name of a value's class; `undefined` if it has none, or is a proxy. */
function classNameOf(value: unknown): string | undefined {
  if (typeof value === "object" && value !== null) {
    for (const name of classNames(value)) return name;
  }
  return typeof value === "function" ? "Function" : undefined;
}

/**
 * Returns the name of the class that defines a method, found from an instance of the class (or of a
 * derived class), or from the class itself for static methods. `undefined` if a proxy hides it: a
 * constructor may return one, whose traps are code of the program.
 */
export function definingClass(
  instance: object,
  key: string | symbol,
  method: unknown,
): string | undefined {
  const isStatic = typeof instance === "function";
  for (let at: object | null = instance; at !== null && !isProxy(at); at = prototypeOf(at)) {
    if (Object.getOwnPropertyDescriptor(at, key)?.value !== method) continue;
    return nameOf(isStatic ? at : readData(at, "constructor")) || ANONYMOUS;
  }
  return isStatic ? nameOf(instance) || ANONYMOUS : classNameOf(instance);
}

/** Number of digest characters that keep IDs distinct. */
const DIGEST_CHARS = 8;
/**
 * Matches names whose other characters can be dropped without ambiguity: ASCII punctuation and
 * space.
 */
const READABLE = /^[\p{L}\p{N}\p{ASCII}]*$/u;

/**
 * Returns the ID under which an op is saved: its name if the server accepts it, otherwise a cleaned
 * name. If cleaning could make different names equal (marks, symbols, length), a digest of the name
 * is appended.
 */
export function opObjectId(name: string): string {
  const composed = isObjectId(name) ? name : name.normalize("NFC");
  if (isObjectId(composed)) return composed;
  const clean = cleanObjectId(composed);
  if (clean !== "" && READABLE.test(composed) && isShort(composed)) return clean;
  const digest = bytesDigest(new TextEncoder().encode(name)).slice(0, DIGEST_CHARS);
  return `${clip(clean || "op", MAX_OBJECT_ID_LENGTH - DIGEST_CHARS - 1)}-${digest}`;
}

function isShort(name: string): boolean {
  return clip(name, MAX_OBJECT_ID_LENGTH) === name;
}

/** Returns a warning about a name so long that its ID ends in a digest. */
export function idProblem(name: string): string | undefined {
  const id = opObjectId(name);
  if (id === name || id === cleanObjectId(name.normalize("NFC"))) return undefined;
  return `The server takes no op named "${
    clip(name, 200)
  }": ids have letters, digits, "_", "." and ` +
    `"-", ${MAX_OBJECT_ID_LENGTH} at most. It is saved as "${id}"`;
}

/**
 * Returns a warning if an op took its name from its function, and a bundler or minifier seems to
 * have changed that name, under which recorded calls are hard to find.
 */
export function nameProblem(name: string, original: unknown): string | undefined {
  const parts = name.split(".");
  if (parts.includes(ANONYMOUS)) {
    return `An op has no name, and its calls are recorded as "${name}". ${WAY_OUT}`;
  }
  const isChanged = parts.some((part) => isBundled(part) || isMinified(part, original));
  return isChanged
    ? `The op name "${name}" looks like one that a bundler or minifier made. ${WAY_OUT}`
    : undefined;
}

const WAY_OUT = 'Give it one, op(fn, { name: "answer" }), or let the build keep names ' +
  "(esbuild: keepNames; Bun: --keep-names; terser and SWC: keep_fnames and keep_classnames).";

/**
 * Returns whether a bundler seems to have changed a name because it occurred twice: `answer2`,
 * `answer$1`, `_Agent`.
 */
function isBundled(name: string): boolean {
  return /[a-uw-z]2$|\$\d+$|^_[A-Z]/.test(name);
}

/** Maximum number of characters of a name that a minifier may have made. */
const MINIFIED_LENGTH = 3;

/**
 * A short name by itself proves nothing. It does if this library is in the same minified bundle, or
 * if the function's source has only such names and hardly any spaces.
 */
function isMinified(name: string, original: unknown): boolean {
  if (name.length > MINIFIED_LENGTH || typeof original !== "function") return false;
  if (!nameProblem.name.startsWith("nameProblem")) return true;
  const source = Function.prototype.toString.call(original);
  if (/\n|\{ | \}|\) \{|, |; |=> /.test(source)) return false;
  const parameters = source.slice(source.indexOf("(") + 1, source.indexOf(")")).split(",");
  const declared = [...source.matchAll(/\b(?:let|const|var) ([\w$]+)/g)].map(([, found]) => found);
  const names = [...parameters, ...declared];
  return names.length > 1 && names.every((found) => found.length < MINIFIED_LENGTH);
}
