/**
 * Derives the name of an op, and the ID that it is saved under.
 *
 * @module
 */

import { bytesDigest } from "../../protocol/digest/digest.ts";
import { classNames, readData } from "../../protocol/json/object_facts.ts";
import { cleanObjectId, clip, isObjectId, MAX_OBJECT_ID_LENGTH } from "../objects/object_id.ts";
import type { AnyFunction, OpOptions } from "./op_types.ts";

/** The name of what has none. */
const ANONYMOUS = "anonymous";

/** The op's name: given, `Class.method` of a bound method, or the function's own. */
export function opName(fn: AnyFunction, options: OpOptions<AnyFunction>): string {
  if (options.name) return options.name;
  const name = nameOf(options.originalFunction) || nameOf(fn) || ANONYMOUS;
  return options.bindThis == null ? name : `${classNameOf(options.bindThis)}.${name}`;
}

function nameOf(fn: unknown): string | undefined {
  const name = typeof fn === "function" ? readData(fn, "name") : undefined;
  return typeof name === "string" ? name : undefined;
}

/** The name of a value's class. */
export function classNameOf(value: unknown): string {
  if (typeof value === "object" && value !== null) {
    for (const name of classNames(value)) return name;
  }
  return typeof value === "function" ? "Function" : ANONYMOUS;
}

/**
 * The name of the class that a method is defined in, found from an instance of it (or of a class
 * derived from it), or from the class itself for static methods.
 */
export function definingClass(instance: unknown, key: string | symbol, method: unknown): string {
  const isStatic = typeof instance === "function";
  for (
    let at: unknown = instance;
    at !== null && at !== undefined;
    at = Object.getPrototypeOf(at)
  ) {
    if (Object.getOwnPropertyDescriptor(at, key)?.value !== method) continue;
    const owner = isStatic ? at : (at as { constructor?: unknown }).constructor;
    return nameOf(owner) || ANONYMOUS;
  }
  return isStatic ? nameOf(instance) || ANONYMOUS : classNameOf(instance);
}

/** Characters of a digest that keep ids apart. */
const DIGEST_CHARS = 8;
/** Characters that an ID can lose without ambiguity: ASCII punctuation and space. */
const READABLE = /^[\p{L}\p{N}\p{ASCII}]*$/u;

/**
 * The id under which an op is saved: its name where the server takes it, else what is left of it.
 * Where different names could leave the same (marks, symbols, length), a digest of the name
 * follows.
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

/** Warning about a name so long that its ID has to end in a digest. */
export function idProblem(name: string): string | undefined {
  const id = opObjectId(name);
  if (id === name || id === cleanObjectId(name.normalize("NFC"))) return undefined;
  return `The server takes no op named "${
    clip(name, 200)
  }": ids have letters, digits, "_", "." and ` +
    `"-", ${MAX_OBJECT_ID_LENGTH} at most. It is saved as "${id}"`;
}

/**
 * Warning about a name that an op took from its function, if a bundler or minifier seems
 * to have changed it: recorded calls are hard to find under such a name.
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

/** Names that bundlers make where they find a name twice: `answer2`, `answer$1`, `_Agent`. */
function isBundled(name: string): boolean {
  return /[a-uw-z]2$|\$\d+$|^_[A-Z]/.test(name);
}

/** Maximum number of characters of a name that a minifier may have made. */
const MINIFIED_LENGTH = 3;

/**
 * A short name says nothing by itself. It does where this library is in the same minified bundle,
 * or where the function has nothing but such names and hardly a space in its source.
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
