/**
 * The part of `Deno` that the adapter uses. Declared here because tsc does not have its types.
 *
 * @module
 */

import { codedError } from "../coded_error.ts";
import type { Permission } from "../process/process_info.ts";

/** A directory entry from `Deno.readDir`. */
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
  resolveDns(
    name: string,
    type: "A" | "AAAA",
    options: { signal: AbortSignal },
  ): Promise<string[]>;
}

/** Returns the global `Deno`. Only for use on Deno. */
export function denoGlobal(): DenoSlice {
  const { Deno: deno } = globalThis as { Deno?: DenoSlice };
  if (!deno) throw codedError("ENOSYS", "Cannot use the Deno adapter on this host: no Deno");
  return deno;
}
