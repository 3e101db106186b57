/**
 * `weave.jsonc` in the working directory: settings, with comments.
 *
 * @module
 */

import { join } from "@std/path";
import { parse } from "@std/jsonc";
import { messageOf, WeaveWalError } from "../../errors.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { invalidOption, show } from "./invalid_option.ts";
import { CODE_OPTIONS, EXPLICIT_OPTIONS, OPTION_NAMES } from "./option_specs.ts";
import { nearest } from "./nearest.ts";
import { readProjectFile } from "../credentials/user_files.ts";

/** The file's name. */
const SETTINGS_FILE = "weave.jsonc";

/** Content of a settings file. */
export interface SettingsFile {
  readonly path: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * Reads the settings file in the working directory.
 *
 * @returns `null` if it does not exist or may not be read.
 * @throws {WeaveWalError} `ERR_INVALID_OPTION` for a file that is not regular, too large or not a
 * JSONC object, and for one that sets options that a file cannot set.
 */
export function readSettingsFile(runtime: Runtime): SettingsFile | null {
  let path = SETTINGS_FILE;
  try {
    path = join(runtime.process.cwd(), SETTINGS_FILE);
  } catch {
    return null;
  }
  const text = readProjectFile(runtime, path);
  if (text === null) return null;
  let values: unknown;
  try {
    values = parse(text);
  } catch (cause) {
    const why = messageOf(cause);
    throw new WeaveWalError("ERR_INVALID_OPTION", `Cannot read settings of ${path}: ${why}`, {
      cause,
    });
  }
  if (typeof values !== "object" || values === null || Array.isArray(values)) {
    throw invalidOption(path, values, "an object of settings");
  }
  for (const name of Object.keys(values)) {
    if (Object.hasOwn(EXPLICIT_OPTIONS, name)) {
      throw new WeaveWalError(
        "ERR_INVALID_OPTION",
        `Cannot use "${name}" of ${path}: a project's files cannot set it; ${
          EXPLICIT_OPTIONS[name]
        }`,
      );
    }
    if (!OPTION_NAMES.includes(name) || name in CODE_OPTIONS) {
      throw unknownOption(`${path}`, name);
    }
  }
  return { path, values: values as Record<string, unknown> };
}

/** Creates the error for an unknown option, which suggests the closest known one. */
export function unknownOption(where: string, name: string): WeaveWalError {
  const near = nearest(name, OPTION_NAMES, 2);
  const hint = near ? `did you mean "${near}"?` : `known are ${OPTION_NAMES.join(", ")}`;
  return new WeaveWalError(
    "ERR_INVALID_OPTION",
    `Cannot use ${where}: unknown option ${show(name)}; ${hint}`,
  );
}
