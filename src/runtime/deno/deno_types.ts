/**
 * The part of `Deno` that the adapter uses, declared here because tsc has no types of it.
 *
 * @module
 */

import { codedError } from "../coded_error.ts";
import type { Permission } from "../process/process_info.ts";

/** One name of a directory, as `Deno.readDir` gives it. */
export interface DenoEntry {
  readonly name: string;
  readonly isFile: boolean;
  readonly isDirectory: boolean;
  readonly isSymlink: boolean;
}

/** The global `Deno`. */
export interface DenoSlice {
  readonly permissions: {
    querySync(permission: Permission): { readonly state: string; readonly partial: boolean };
  };
  readDir(path: string): AsyncIterable<DenoEntry>;
  connect(
    target: { hostname: string; port: number; signal?: AbortSignal },
  ): Promise<{ close(): void }>;
}

/** The global `Deno`; to be called on Deno only. */
export function denoGlobal(): DenoSlice {
  const { Deno: deno } = globalThis as { Deno?: DenoSlice };
  if (!deno) throw codedError("ENOSYS", "Cannot use the Deno adapter on this host: no Deno");
  return deno;
}
