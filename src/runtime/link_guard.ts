/**
 * Confines all file operations below a directory to that directory, whatever symbolic links it
 * contains.
 *
 * @module
 */

import { dirname, join } from "@std/path";
import { codedError } from "./coded_error.ts";
import type { FileSystem } from "./file_system.ts";
import type { Runtime } from "./runtime.ts";

/** Ms for which a directory without links is not checked again. */
const TRUSTED_MS = 1_000;
/** Maximum number of cached directories. */
const MAX_REMEMBERED = 1_000;

/**
 * Returns a file system that refuses, with code `ELOOP`, operations that would pass through a
 * symbolic link below `root`. Each directory below `root` is checked part by part before something
 * in it is opened, listed, created, renamed or removed. Links to `root` itself and outside of it
 * are allowed: the user chose these. `stat` and `exists`, which change nothing, are not guarded.
 *
 * A link created while the program runs is detected within a second; a process with write access to
 * the directory could do worse in that time (see `distrustReason`). Paths are compared as text:
 * those below the root must begin with `root`.
 *
 * @example
 * ```ts
 * import { detectRuntime } from "./detect.ts";
 * import { guardLinks } from "./link_guard.ts";
 *
 * const files = guardLinks(detectRuntime(), "src");
 * console.assert(files.list("src/runtime").length > 0);
 * ```
 */
export function guardLinks(
  { files, clock }: Pick<Runtime, "files" | "clock">,
  root: string,
): FileSystem {
  // With a trailing separator, whichever this platform uses.
  const prefix = join(root, "_").slice(0, -1);
  const trustedUntil = new Map<string, number>();
  /** The directory checked last, as passed: most paths are in the same one. */
  let last = { directory: "", until: -Infinity };

  /** Returns `path` if no part of `directory` below the root is a link. */
  function inside(path: string, directory: string): string {
    if (directory === last.directory && clock.monotonic() < last.until) return path;
    const normal = join(directory);
    if (normal.startsWith(prefix)) {
      check(normal);
      last = { directory, until: trustedUntil.get(normal)! };
    }
    return path;
  }

  function check(directory: string): void {
    const now = clock.monotonic();
    if ((trustedUntil.get(directory) ?? 0) > now) return;
    for (const part of partsBelow(prefix, directory)) {
      const found = files.stat(part);
      if (found === null) break;
      if (found.kind === "symlink") {
        throw codedError("ELOOP", `Cannot use ${directory}: ${part} is a symbolic link`);
      }
    }
    if (trustedUntil.size >= MAX_REMEMBERED) trustedUntil.clear();
    trustedUntil.set(directory, now + TRUSTED_MS);
  }

  const file = (path: string) => inside(path, dirname(path));
  const directory = (path: string) => inside(path, path);
  return {
    openAppend: (path) => files.openAppend(file(path)),
    openRead: (path) => files.openRead(file(path)),
    readText: (path, options) => files.readText(file(path), options),
    createExclusive: (path, text) => files.createExclusive(file(path), text),
    replace: (path, text) => files.replace(file(path), text),
    overwrite: (path, text) => files.overwrite(file(path), text),
    rename: (from, to) => files.rename(file(from), file(to)),
    remove: (path) => files.remove(file(path)),
    discard: (path) => files.discard(file(path)),
    removeInBackground: async (paths) => await files.removeInBackground(paths.map(file)),
    removeDirectory: (path) => files.removeDirectory(directory(path)),
    list: (path) => files.list(directory(path)),
    scan: async function* (path) {
      yield* files.scan(directory(path));
    },
    stat: (path, options) => files.stat(path, options),
    exists: (path) => files.exists(path),
    makeDirectory: (path) => files.makeDirectory(directory(path)),
    syncDirectory: async (path) => await files.syncDirectory(directory(path)),
    syncDirectoryNow: (path) => files.syncDirectoryNow(directory(path)),
  };
}

/** Returns a runtime whose files are those of {@linkcode guardLinks}. */
export function withGuardedLinks(runtime: Runtime, root: string): Runtime {
  const { name, process, clock } = runtime;
  return { name, files: guardLinks(runtime, root), process, clock };
}

/** Returns `directory` and its parents, outermost first, as far as they begin with `prefix`. */
function partsBelow(prefix: string, directory: string): string[] {
  const parts: string[] = [];
  for (let part = directory; part.startsWith(prefix); part = dirname(part)) {
    if (part === parts[0]) break;
    parts.unshift(part);
  }
  return parts;
}
