/**
 * Looks up a setting in all its sources.
 *
 * @module
 */

import type { Runtime } from "../../runtime/runtime.ts";
import type { Origin } from "./invalid_option.ts";
import type { OptionSpec } from "./option_specs.ts";
import { readSettingsFile } from "./settings_file.ts";

/** A setting and its source. */
export interface Found<T> {
  readonly value: T;
  readonly origin: Origin;
  /** Whether it is from `weave.jsonc` in the working directory, which may be untrusted. */
  readonly fromFile: boolean;
}

/**
 * Finds a setting; `undefined` if it is not set.
 *
 * @throws {WeaveWalError} `ERR_INVALID_OPTION` for an invalid value.
 */
export type Find = <T>(name: string, spec: OptionSpec<T>) => Found<T> | undefined;

/**
 * Returns the value of a setting's environment variable; `undefined` if it is unset or empty.
 *
 * @throws {WeaveWalError} `ERR_INVALID_OPTION` for an invalid value.
 */
export function fromEnvironment<T>(runtime: Runtime, spec: OptionSpec<T>): T | undefined {
  const { env, fromEnv, check } = spec;
  const text = env === undefined ? undefined : runtime.process.env(env);
  if (env === undefined || text === undefined || text === "") return undefined;
  return check(fromEnv ? fromEnv(text, env) : text, env);
}

/**
 * Creates a finder that searches the environment, then the options in code, then `weave.jsonc`.
 *
 * @throws {WeaveWalError} `ERR_INVALID_OPTION` for an invalid settings file.
 */
export function optionFinder(runtime: Runtime, options: Readonly<Record<string, unknown>>): Find {
  const file = readSettingsFile(runtime);
  return (name, spec) => {
    const value = fromEnvironment(runtime, spec);
    if (value !== undefined) return { value, origin: spec.env!, fromFile: false };
    if (options[name] !== undefined) {
      const origin = `option "${name}"`;
      return { value: spec.check(options[name], origin), origin, fromFile: false };
    }
    if (file && file.values[name] !== undefined) {
      const origin = `"${name}" of ${file.path}`;
      return { value: spec.check(file.values[name], origin), origin, fromFile: true };
    }
    return undefined;
  };
}
