/**
 * The API key in `~/.netrc`, where `wandb login` keeps it.
 *
 * @module
 */

import { join } from "@std/path";
import type { Runtime } from "../../runtime/runtime.ts";

/** One `machine` of a netrc file. */
export interface NetrcEntry {
  machine: string;
  login?: string;
  password?: string;
}

/**
 * Reads the entries of a netrc file's text. Tokens may stand on one line or on many; comments,
 * `default` and macros are passed over.
 */
export function parseNetrc(text: string): NetrcEntry[] {
  const entries: NetrcEntry[] = [];
  let entry: NetrcEntry | undefined;
  let macro = false;
  for (const line of text.split(/\r?\n/)) {
    if (macro) {
      macro = line.trim() !== "";
      continue;
    }
    const tokens = line.trim().split(/\s+/);
    for (let i = 0; i < tokens.length; i++) {
      const token = tokens[i];
      if (token.startsWith("#")) break;
      if (token === "machine") {
        entry = { machine: tokens[++i] ?? "" };
        entries.push(entry);
      } else if (token === "default") {
        entry = undefined;
      } else if (token === "macdef") {
        macro = true;
        break;
      } else if (token === "login" || token === "password") {
        const value = tokens[++i];
        if (entry && value !== undefined) entry[token] = value;
      } else if (token === "account") {
        i++;
      }
    }
  }
  return entries;
}

/**
 * The password of `machine` in `~/.netrc`; `undefined` where there is none or it cannot be read. Of
 * several entries the last holds, as for the official SDKs.
 */
export function netrcPassword(runtime: Runtime, machine: string): string | undefined {
  const home = runtime.process.home();
  if (home === undefined) return undefined;
  let text: string;
  try {
    text = runtime.files.readText(join(home, ".netrc"), { followLinks: true });
  } catch {
    return undefined;
  }
  return parseNetrc(text).filter((entry) => entry.machine === machine).at(-1)?.password;
}

/**
 * The netrc text with the password of `machine` set: its old entry is taken out, the new one stands
 * first (before a `default`, which some readers stop at), all else is kept as it is.
 */
export function withNetrcEntry(text: string, machine: string, password: string): string {
  const kept: string[] = [];
  let skipping = false;
  for (const line of text === "" ? [] : text.replace(/\n$/, "").split("\n")) {
    const parts = line.split(/(?=\bmachine\s)/);
    const left = parts.filter((part) => {
      const tokens = part.trim().split(/\s+/);
      if (tokens[0] === "machine") skipping = tokens[1] === machine;
      else if (tokens[0] === "default" || tokens[0] === "macdef") skipping = false;
      return !skipping;
    });
    if (left.length > 0) kept.push(left.join(""));
  }
  const fresh = `machine ${machine}\n  login user\n  password ${password}\n`;
  return fresh + (kept.length > 0 ? kept.join("\n") + "\n" : "");
}
