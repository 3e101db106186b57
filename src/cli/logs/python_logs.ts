/**
 * Logs of the Python SDK. Up to version 0.52.40 its layout is that of this package; from 0.52.41 on
 * there is a directory for each API key below that of the project, named after the key's SHA-256.
 *
 * @module
 */

import { join } from "@std/path";
import type { Settings } from "../../client/settings/settings.ts";
import { sha256 } from "../../protocol/digest/sha256.ts";
import type { Runtime } from "../../runtime/runtime.ts";

/** A directory that the Python SDK writes. */
export interface PythonDirectory {
  /** SHA-256 of the API key that it was written for, in hex; `null` if its name does not contain it. */
  readonly keyDigest: string | null;
}

/** Where to look for logs of the Python SDK. */
export interface PythonFilter {
  /** Directory of its logs, looked at beside that of this package. */
  readonly pythonRoot?: string;
  /** SHA-256 of an API key, in hex: logs for another one are left out, and those that name none. */
  readonly keyDigest?: string;
}

/** Hex digits of a key's digest that are shown: enough to tell keys apart. */
const SHOWN_DIGITS = 8;

/** The name of the directory for an API key. */
export function keyDigestOf(apiKey: string): string {
  return [...sha256(new TextEncoder().encode(apiKey))]
    .map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The directory where the Python SDK keeps all its logs, `~/.weave/wal`; nothing if another directory
 * is named for all logs, or if it is not there.
 */
export function pythonLogs(
  runtime: Runtime,
  { walDir, walDirExplicit }: Settings,
): Pick<PythonFilter, "pythonRoot"> {
  const home = runtime.process.home();
  if (home === undefined || walDirExplicit) return {};
  const pythonRoot = join(home, ".weave", "wal");
  if (pythonRoot === walDir) return {};
  try {
    return runtime.files.stat(pythonRoot)?.kind === "directory" ? { pythonRoot } : {};
  } catch {
    return {}; // The host does not grant it.
  }
}

/** A project's name for people: `acme/chat`, `acme/chat (Python, key 1a2b3c4d)`. */
export function projectLabel(
  { entity, project, python }: {
    readonly entity: string;
    readonly project: string;
    readonly python?: PythonDirectory;
  },
): string {
  const name = `${entity}/${project}`;
  if (python === undefined) return name;
  const { keyDigest } = python;
  const key = keyDigest === null ? "" : `, key ${keyDigest.slice(0, SHOWN_DIGITS)}`;
  return `${name} (Python${key})`;
}
