/**
 * Node's built-in modules, loaded on first use, so that the adapters can be imported on runtimes
 * without them (where a static `import "node:fs"` would stop the program).
 *
 * @module
 */

/** The built-in modules that the adapters use. */
export interface Builtins {
  "node:dns": typeof import("node:dns");
  "node:fs": typeof import("node:fs");
  "node:http": typeof import("node:http");
  "node:https": typeof import("node:https");
  "node:net": typeof import("node:net");
  "node:os": typeof import("node:os");
  "node:process": typeof import("node:process");
  "node:tty": typeof import("node:tty");
  "node:tls": typeof import("node:tls");
}

interface ProcessSlice {
  getBuiltinModule?: (name: string) => unknown;
}

/**
 * Returns whether this runtime provides Node's built-in modules: Deno, Bun, and Node from 20.16 on.
 */
export function hasBuiltins(): boolean {
  const process = (globalThis as { process?: ProcessSlice }).process;
  return typeof process?.getBuiltinModule === "function";
}

/**
 * Returns one of Node's built-in modules.
 *
 * @throws An error with code `ENOSYS` if this runtime does not have it.
 */
export function builtin<Name extends keyof Builtins>(name: Name): Builtins[Name] {
  const process = (globalThis as { process?: ProcessSlice }).process;
  const found = process?.getBuiltinModule?.(name);
  if (!found) {
    throw Object.assign(new Error(`Cannot load a built-in module on this host: ${name}`), {
      code: "ENOSYS",
    });
  }
  return found as Builtins[Name];
}
