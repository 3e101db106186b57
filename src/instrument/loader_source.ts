/**
 * The module loader that detects the SDKs that a program imports on Node. It runs in a thread of
 * its own, so its source is a string.
 *
 * @module
 */

/**
 * Returns the source of a loader that makes the packages' entry modules report their exports when
 * they are evaluated.
 */
export function loaderSource(names: readonly string[]): string {
  return `
const names = ${JSON.stringify(names)};
export async function load(url, context, next) {
  const result = await next(url, context);
  const name = names.find((name) => url.endsWith("/node_modules/" + name + "/index.mjs"));
  if (name === undefined || result.format !== "module" || result.source == null) return result;
  const source = typeof result.source === "string"
    ? result.source
    : new TextDecoder().decode(result.source);
  const tail = '\\nimport * as $weaveWal from "./index.mjs";\\n' +
    'globalThis[Symbol.for("@weave-wal/client/instrument")]?.(' + JSON.stringify(name) + ', $weaveWal);\\n';
  return { ...result, source: source + tail };
}
`;
}
