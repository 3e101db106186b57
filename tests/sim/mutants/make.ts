/**
 * Helpers that mutate the library at run time.
 *
 * @module
 */

import type { AppendFile, FileSystem, ReadFile } from "../../../src/runtime/file_system.ts";
import type { Attempt } from "../../../src/delivery/http/transport.ts";
import { Transport } from "../../../src/delivery/http/transport.ts";

/** Returns `target` with some of its methods replaced. */
export function instead<Target extends object>(target: Target, changes: Partial<Target>): Target {
  return new Proxy(target, {
    get: (inner, name) => {
      if (name in changes) return changes[name as keyof Target];
      const value: unknown = Reflect.get(inner, name, inner);
      return typeof value === "function" ? value.bind(inner) : value;
    },
  });
}

/** Returns a file system whose append files are changed. */
export function withAppends(
  files: FileSystem,
  change: (file: AppendFile, path: string) => Partial<AppendFile>,
): FileSystem {
  return instead(files, {
    openAppend: (path) => {
      const file = files.openAppend(path);
      return instead(file, change(file, path));
    },
  });
}

/** Returns a file system whose read files are changed. */
export function withReads(
  files: FileSystem,
  change: (file: ReadFile, path: string) => Partial<ReadFile>,
): FileSystem {
  return instead(files, {
    openRead: (path) => {
      const file = files.openRead(path);
      return instead(file, change(file, path));
    },
  });
}

/** Replaces a method of a class; returns a function that restores it. */
export function patch<Class extends object, Name extends keyof Class>(
  prototype: Class,
  name: Name,
  replace: (original: Class[Name]) => Class[Name],
): () => void {
  const original = prototype[name];
  prototype[name] = replace(original);
  return () => {
    prototype[name] = original;
  };
}

/** Changes the results of delivery attempts; returns a function that restores them. */
export function patchAttempts(change: (attempt: Attempt) => Attempt): () => void {
  return patch(
    Transport.prototype,
    "attempt",
    (original) =>
      async function (this: Transport, request, stop) {
        return change(await original.call(this, request, stop));
      },
  );
}
