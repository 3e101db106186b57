/**
 * The part of `Deno` that the adapter uses, declared here because tsc knows no `Deno`.
 *
 * @module
 */

/** One permission, as `Deno.permissions` names it. */
export type DenoPermission =
  | { name: "read"; path: string }
  | { name: "env"; variable?: string }
  | { name: "sys"; kind: "hostname" | "homedir" | "uid" }
  | { name: "run" };

/** One name of a directory, as `Deno.readDir` gives it. */
export interface DenoEntry {
  readonly name: string;
  readonly isFile: boolean;
  readonly isDirectory: boolean;
  readonly isSymlink: boolean;
}

/** The global `Deno`. */
export interface DenoSlice {
  readonly pid: number;
  readonly permissions: {
    querySync(permission: DenoPermission): { readonly state: string; readonly partial: boolean };
  };
  readonly env: {
    get(name: string): string | undefined;
    toObject(): Record<string, string>;
  };
  readTextFileSync(path: string): string;
  readLinkSync(path: string): string;
  readDir(path: string): AsyncIterable<DenoEntry>;
  hostname(): string;
  uid(): number | null;
  cwd(): string;
}

/** The global `Deno`; to be called on Deno only. */
export function denoGlobal(): DenoSlice {
  const { Deno: deno } = globalThis as { Deno?: DenoSlice };
  if (!deno) {
    throw Object.assign(new Error("Cannot use the Deno adapter on this host: no Deno"), {
      code: "ENOSYS",
    });
  }
  return deno;
}
