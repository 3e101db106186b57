/**
 * Paths that begin with `~`. A shell expands it in a command, but not in quotes, in an `.env` file, in
 * a container's manifest or in `weave.jsonc`.
 *
 * @module
 */

import { join } from "@std/path";
import type { Runtime } from "../../runtime/runtime.ts";
import { invalidOption, type Origin } from "../settings/invalid_option.ts";

/**
 * Puts the user's home directory in place of a leading `~`.
 *
 * @param origin Where the path was found; `undefined` for a default.
 * @throws {WeaveWalError} `ERR_INVALID_OPTION` for the home of another user, or where none is known.
 */
export function expandHome(runtime: Runtime, path: string, origin: Origin = "a default"): string {
  if (!path.startsWith("~")) return path;
  const rest = /^~(?:[\\/](.*))?$/s.exec(path);
  if (!rest) {
    throw invalidOption(origin, path, "a path: ~/ is expanded, the home of another user is not");
  }
  const home = runtime.process.home();
  if (home === undefined) {
    throw invalidOption(origin, path, "a path that can be found: the home directory is not known");
  }
  return join(home, rest[1] ?? "");
}
