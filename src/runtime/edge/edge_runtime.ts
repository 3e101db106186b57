/**
 * The adapter for runtimes without files and processes (browsers, edge workers). Every file
 * operation fails with `ENOSYS`, and the log stays in memory.
 *
 * @module
 */

import { systemClock } from "../clock.ts";
import { codedError } from "../coded_error.ts";
import type { FileSystem } from "../file_system.ts";
import type { ProcessInfo, Runtime } from "../runtime.ts";

interface EnvSlice {
  process?: { env?: Record<string, string | undefined> };
}

/** Creates a runtime that only provides time. */
export function bareRuntime(): Runtime {
  return { name: "bare", files, process: facts, clock: systemClock };
}

function refuse(path: string): never {
  throw codedError("ENOSYS", `Cannot use files on this host: ${path}`);
}

const files: FileSystem = {
  openAppend: refuse,
  openRead: refuse,
  readText: refuse,
  createExclusive: refuse,
  replace: refuse,
  overwrite: refuse,
  rename: refuse,
  remove: refuse,
  discard: refuse,
  // deno-lint-ignore require-await -- a refusal must be a rejection
  removeInBackground: async (paths) => refuse(paths.join(", ")),
  removeDirectory: refuse,
  list: refuse,
  // deno-lint-ignore require-yield -- a refusal must be a rejection
  scan: async function* (directory) {
    refuse(directory);
  },
  stat: refuse,
  exists: () => false,
  makeDirectory: refuse,
  // deno-lint-ignore require-await -- a refusal must be a rejection
  syncDirectory: async (path) => refuse(path),
  syncDirectoryNow: refuse,
};

const facts: ProcessInfo = {
  pid: 0,
  startTime: null,
  bootId: null,
  pidNamespace: null,
  host: "",
  system: { runtime: "unknown" },
  user: null,
  // No process is known to be dead here.
  findProcess: () => ({ startTime: null }),
  variableOf: () => undefined,
  env: (name) => (globalThis as EnvSlice).process?.env?.[name] || undefined,
  envNames: () => Object.keys((globalThis as EnvSlice).process?.env ?? {}),
  allows: () => true,
  cwd: () => "/",
  home: () => undefined,
  onBeforeExit: () => () => {},
  onExit: () => () => {},
};
