/**
 * The Python environments of the conformance suite: the vendor's trace server, and the
 * Python client.
 *
 * Each is a virtual environment in the cache folder, named after its pinned requirements,
 * so that changed requirements result in a new one.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { run } from "../test/process.ts";

/** Folder of the Python programs and their requirements. */
export const pythonFolder: string = fileURLToPath(new URL("python", import.meta.url));

/**
 * Default directory of the environments; `--cache` or `WEAVE_WAL_CONFORMANCE_CACHE`
 * override it.
 */
export const defaultCache: string = process.env.WEAVE_WAL_CONFORMANCE_CACHE ||
  join(homedir(), ".cache", "weave-wal-conformance");

/** Python interpreters, each with its packages. */
export interface PythonPackages {
  /** Runs the vendor's server code. */
  readonly server: string;
  /** Runs the vendor's client. */
  readonly client: string;
}

/** Why there are no environments; the suite is then skipped. */
export class PackagesUnavailable extends Error {
  override readonly name = "PackagesUnavailable";
}

/** The oldest Python supported by the pinned packages. */
const MIN_PYTHON = [3, 11];
const INSTALL_LIMIT_MS = 15 * 60_000;

/**
 * Returns the interpreters, after installing what is missing in the cache.
 *
 * @param cache Folder of the environments. @param say Reports progress. @param limitMs
 * Timeout of an installation, ms. @throws {PackagesUnavailable} If Python or its packages
 * are unavailable.
 */
export async function preparePackages(
  cache: string,
  say: (text: string) => void,
  limitMs: number = Infinity,
): Promise<PythonPackages> {
  const python = await findPython();
  const limit = Math.min(limitMs, INSTALL_LIMIT_MS);
  const install = (name: string) => environmentOf(python, { cache, name, say, limitMs: limit });
  const [server, client] = await Promise.all([install("server"), install("client")]);
  return { server, client };
}

/** Environment of a program with the vendor's client that writes to, or reads from, `url`. */
export function clientEnvironment(url: string): Record<string, string> {
  return {
    WF_TRACE_SERVER_URL: url,
    WANDB_BASE_URL: url,
    WANDB_API_KEY: "k".repeat(40),
    WANDB_ERROR_REPORTING: "false",
    // A cache in the temporary folder outlives the server: the client would omit what it
    // has sent to another server, and would read responses of that one.
    WEAVE_USE_SERVER_CACHE: "false",
  };
}

interface Python {
  readonly command: string;
  readonly version: string;
}

/** Finds `python3`, or the command set by `WEAVE_WAL_PYTHON`. */
async function findPython(): Promise<Python> {
  const script = "import sys, venv, ensurepip; print('.'.join(map(str, sys.version_info[:3])))";
  const named = process.env.WEAVE_WAL_PYTHON;
  for (const command of named ? [named] : ["python3", "python"]) {
    const { status, output } = await run(command, ["-c", script], { limitMs: 30_000 });
    const version = /^\d+\.\d+\.\d+$/m.exec(output)?.[0];
    if (status !== 0 || version === undefined) continue;
    const [major, minor] = version.split(".").map(Number);
    if (major > MIN_PYTHON[0] || (major === MIN_PYTHON[0] && minor >= MIN_PYTHON[1])) {
      return { command, version };
    }
  }
  throw new PackagesUnavailable(`no Python ${MIN_PYTHON.join(".")} or newer with venv and pip`);
}

/**
 * The Python interpreter with the vendor's client, if it is in the cache; does not
 * install anything.
 */
export async function installedClient(cache: string): Promise<string | null> {
  try {
    const { directory } = placeOf(await findPython(), cache, "client");
    return existsSync(directory) ? interpreter(directory) : null;
  } catch (error) {
    if (error instanceof PackagesUnavailable) return null;
    throw error;
  }
}

/** The folder of an environment, named after its contents. */
function placeOf(
  { version }: Python,
  cache: string,
  name: string,
): { directory: string; requirements: string } {
  const requirements = join(pythonFolder, `requirements-${name}.txt`);
  const hash = createHash("sha256").update(version).update(readFileSync(requirements))
    .digest("hex").slice(0, 12);
  return { directory: join(cache, `${name}-${hash}`), requirements };
}

function interpreter(folder: string): string {
  return join(folder, "bin", "python");
}

/** The interpreter of one environment, which gets its name once it is complete. */
async function environmentOf(
  python: Python,
  { cache, name, say, limitMs }: {
    readonly cache: string;
    readonly name: string;
    readonly say: (text: string) => void;
    readonly limitMs: number;
  },
): Promise<string> {
  const { directory, requirements } = placeOf(python, cache, name);
  if (existsSync(directory)) return interpreter(directory);

  say(`installing the ${name}'s Python packages into ${directory}`);
  const unfinished = `${directory}.${process.pid}`;
  try {
    mkdirSync(cache, { recursive: true });
  } catch (error) {
    throw new PackagesUnavailable(`cannot use the cache, ${(error as Error).message}`);
  }
  try {
    await step(python.command, ["-m", "venv", unfinished], limitMs);
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    await step(interpreter(unfinished), [...pip, "--retries", "2", "-r", requirements], limitMs);
    try {
      renameSync(unfinished, directory);
    } catch (error) {
      // Another run was faster.
      if (!existsSync(directory)) throw error;
    }
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return interpreter(directory);
}

async function step(command: string, args: string[], limitMs: number): Promise<void> {
  const { status, output, ending } = await run(command, args, { limitMs });
  if (status === 0) return;
  const last = output.trim().split("\n").at(-1) ?? "";
  throw new PackagesUnavailable(`${args.slice(0, 3).join(" ")} failed (${ending}), ${last}`);
}
