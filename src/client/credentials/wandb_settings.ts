/**
 * Reads the base URL from `~/.config/wandb/settings`, an INI file that `wandb login --host` writes.
 *
 * @module
 */

import { join } from "@std/path";
import type { Runtime } from "../../runtime/runtime.ts";
import { readHomeFile } from "./user_files.ts";

/**
 * Parses the base URL in the text of a settings file: `base_url` (written by `wandb`) or
 * `wandb_base_url` (read by the TypeScript SDK) in the section `[default]`.
 */
function parseWandbBaseUrl(text: string): string | undefined {
  let section = "default";
  let found: string | undefined;
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#") || line.startsWith(";")) continue;
    const header = /^\[(.*)\]$/.exec(line);
    if (header) {
      section = header[1].trim();
      continue;
    }
    const pair = /^(?:wandb_)?base_url\s*[=:]\s*(.*)$/.exec(line);
    if (pair && section === "default") found = pair[1].trim().replace(/^(["'])(.*)\1$/, "$2");
  }
  return found || undefined;
}

/** Returns the base URL in `~/.config/wandb/settings`; `undefined` if there is none. */
export function wandbSettingsBaseUrl(runtime: Runtime): string | undefined {
  const home = runtime.process.home();
  if (home === undefined) return undefined;
  const text = readHomeFile(runtime, join(home, ".config", "wandb", "settings"));
  return text === null ? undefined : parseWandbBaseUrl(text);
}
