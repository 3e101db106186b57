/**
 * Counts file system operations, for benchmarks and for tests of how much work something
 * takes.
 *
 * @module
 */

import type { AppendFile, FileSystem, ReadFile } from "../../src/runtime/file_system.ts";

/** Calls by name: methods of the file system by name, those of open files as `file.<name>`. */
export type OperationCounts = Record<string, number>;

/**
 * A file system that forwards to `files` and counts all calls, including failed ones.
 * `removeInBackground` counts each path, `scan` each call.
 *
 * @example
 * ```ts
 * import { MemoryRuntime } from "./simulated_runtime/memory.ts";
 * import { countOperations } from "./count_operations.ts";
 *
 * const files = countOperations(new MemoryRuntime().files);
 * const file = files.openAppend("/log");
 * file.write("one\n");
 * file.write("two\n");
 * console.assert(files.counts.openAppend === 1 && files.counts["file.write"] === 2);
 * ```
 */
export function countOperations(
  files: FileSystem,
): FileSystem & { readonly counts: OperationCounts } {
  const counts: OperationCounts = {};
  const count = (name: string, calls = 1) => void (counts[name] = (counts[name] ?? 0) + calls);
  const counted = passOn(files, (name, args, call) => {
    count(name, name === "removeInBackground" ? (args[0] as string[]).length : 1);
    const result = call();
    if (name !== "openAppend" && name !== "openRead") return result;
    return passOn(result as AppendFile | ReadFile, (method, _, callFile) => {
      count(`file.${method}`);
      return callFile();
    });
  });
  return Object.assign(counted, { counts });
}

/** Returns an object like `target` whose method calls are routed through `around`. */
export function passOn<Target extends object>(
  target: Target,
  around: (name: string, args: unknown[], call: () => unknown) => unknown,
): Target {
  return new Proxy({} as Target, {
    get: (own, name) => {
      if (name in own) return Reflect.get(own, name);
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => around(String(name), args, () => member.apply(target, args));
    },
  });
}
