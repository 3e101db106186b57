/**
 * The user's netrc file, in which `wandb login` stores API keys.
 *
 * @module
 */

import { join } from "@std/path";
import type { Runtime } from "../../runtime/runtime.ts";
import { type NetrcEntry, parseNetrc } from "./netrc.ts";
import { readHomeFile } from "./user_files.ts";

/** A netrc file. */
export interface NetrcFile {
  /** Its path; `undefined` without a home directory. */
  readonly path: string | undefined;
  /** Its name in messages. */
  readonly name: string;
}

/** Returns the file that `NETRC` names, as in `wandb`, otherwise `~/.netrc`. */
export function netrcFile(runtime: Runtime): NetrcFile {
  const named = runtime.process.env("NETRC");
  if (named !== undefined) return { path: named, name: named };
  const home = runtime.process.home();
  return { path: home === undefined ? undefined : join(home, ".netrc"), name: "~/.netrc" };
}

/** Returns the file's entries; empty if it does not exist or cannot be read. */
export function readNetrc(runtime: Runtime, { path }: NetrcFile): NetrcEntry[] {
  const text = path === undefined ? null : readHomeFile(runtime, path);
  return text === null ? [] : parseNetrc(text);
}
