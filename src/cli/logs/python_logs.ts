/**
 * Logs of the Python SDK. Up to version 0.52.40, its layout is that of this package; since 0.52.41,
 * each API key has a directory inside that of the project, named by the key's SHA-256.
 *
 * @module
 */

import { join } from "@std/path";
import type { Settings } from "../../client/settings/settings.ts";
import { toHex } from "../../protocol/digest/hex.ts";
import { sha256 } from "../../protocol/digest/sha256.ts";
import type { Runtime } from "../../runtime/runtime.ts";

/** A directory that the Python SDK writes. */
export interface PythonDirectory {
  /**
   * SHA-256 of the API key that it was written for, in hex; `null` if its name does not contain
   * one.
   */
  readonly keyDigest: string | null;
}

/** Selects logs of the Python SDK. */
export interface PythonFilter {
  /** Root directory of its logs, in addition to that of this package. */
  readonly pythonRoot?: string;
  /** SHA-256 of an API key, in hex. Logs for other keys, and those that name none, are excluded. */
  readonly keyDigest?: string;
}

/** Number of hex digits of a key's digest to show: enough to distinguish keys. */
const SHOWN_DIGITS = 8;

/** Returns the name of the directory for an API key. */
export function keyDigestOf(apiKey: string): string {
  return toHex(sha256(new TextEncoder().encode(apiKey)));
}

/**
 * Returns the Python SDK's root directory for all logs, `~/.weave/wal`; empty if another root
 * directory was configured or it does not exist.
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
    return {}; // The runtime does not permit access.
  }
}

/** Formats a project's name: `acme/chat`, `acme/chat (Python, key 1a2b3c4d)`. */
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
