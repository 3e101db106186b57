/**
 * Expands paths that begin with `~`. A shell does so in a command, but not in quotes, an `.env`
 * file, a container manifest or `weave.jsonc`.
 *
 * @module
 */

import { join } from "@std/path";
import type { Runtime } from "../../runtime/runtime.ts";
import { invalidOption, type Origin } from "../settings/invalid_option.ts";

/**
 * Replaces a leading `~` with the user's home directory.
 *
 * @param origin Source of the path; `undefined` for a default.
 * @throws {WeaveWalError} `ERR_INVALID_OPTION` for another user's home directory, or if none is
 * known.
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
