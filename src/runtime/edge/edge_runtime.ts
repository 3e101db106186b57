/**
 * The adapter for a host that has no files and no processes (browsers, edge workers): what it is
 * asked to do with a file fails with `ENOSYS`, and the log stays in memory.
 *
 * @module
 */

import { systemClock } from "../clock.ts";
import type { FileSystem, ProcessFacts, Runtime } from "../runtime.ts";

interface EnvSlice {
  process?: { env?: Record<string, string | undefined> };
}

/** A runtime that has time and nothing else. */
export function bareRuntime(): Runtime {
  return { name: "bare", files, process: facts, clock: systemClock };
}

function refuse(what: string): never {
  throw Object.assign(new Error(`Cannot use files on this host: ${what}`), { code: "ENOSYS" });
}

const files: FileSystem = {
  openAppend: (path) => refuse(path),
  openRead: (path) => refuse(path),
  readText: (path) => refuse(path),
  createExclusive: (path) => refuse(path),
  replace: (path) => refuse(path),
  rename: (from) => refuse(from),
  remove: (path) => refuse(path),
  discard: (path) => refuse(path),
  // deno-lint-ignore require-await -- a refusal must be a rejection
  removeInBackground: async ([path]) => refuse(path),
  removeDirectory: (path) => refuse(path),
  list: (directory) => refuse(directory),
  // deno-lint-ignore require-yield -- a refusal must be a rejection
  scan: async function* (directory) {
    refuse(directory);
  },
  stat: (path) => refuse(path),
  exists: () => false,
  makeDirectory: (path) => refuse(path),
  truncate: (path) => refuse(path),
  // deno-lint-ignore require-await -- a refusal must be a rejection
  syncDirectory: async (path) => refuse(path),
  syncDirectoryNow: (path) => refuse(path),
};

const facts: ProcessFacts = {
  pid: 0,
  startTime: null,
  bootId: null,
  pidNamespace: null,
  host: "",
  user: null,
  // Nobody is known to be dead here.
  isAlive: () => true,
  startTimeOf: () => null,
  env: (name) => (globalThis as EnvSlice).process?.env?.[name] || undefined,
  envNames: () => Object.keys((globalThis as EnvSlice).process?.env ?? {}),
  cwd: () => "/",
  home: () => undefined,
  onNaturalExit: () => () => {},
  onExit: () => () => {},
};
