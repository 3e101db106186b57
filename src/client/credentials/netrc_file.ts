/**
 * The user's netrc file, where `wandb login` keeps API keys.
 *
 * @module
 */

import { join } from "@std/path";
import type { Runtime } from "../../runtime/runtime.ts";
import { type NetrcEntry, parseNetrc } from "./netrc.ts";
import { readHomeFile } from "./user_files.ts";

/** Returns the path of the user's netrc file. */
export interface NetrcFile {
  /** Its path; `undefined` without a home directory. */
  readonly path: string | undefined;
  /** Its name in messages. */
  readonly name: string;
}

/** The file that `NETRC` names, as for `wandb`, else `~/.netrc`. */
export function netrcFile(runtime: Runtime): NetrcFile {
  const named = runtime.process.env("NETRC");
  if (named !== undefined) return { path: named, name: named };
  const home = runtime.process.home();
  return { path: home === undefined ? undefined : join(home, ".netrc"), name: "~/.netrc" };
}

/** The file's entries; none where it is not there or cannot be read. */
export function readNetrc(runtime: Runtime, { path }: NetrcFile): NetrcEntry[] {
  const text = path === undefined ? null : readHomeFile(runtime, path);
  return text === null ? [] : parseNetrc(text);
}
