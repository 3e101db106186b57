/**
 * Environment variables that look like settings of the log, and are none: a misspelled
 * `WEAVE_ENABLE_WAL` would leave the log off without a word.
 *
 * @module
 */

import { shared } from "../../runtime/process/shared_state.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { nearest } from "./nearest.ts";
import { OPTION_TABLE, type OptionSpec, RESOLVED_OPTIONS } from "./option_specs.ts";

/** Every variable that is read, and whose name says that it is about the log. */
const KNOWN: readonly string[] = Object.values({ ...OPTION_TABLE, ...RESOLVED_OPTIONS })
  .map(({ env }: OptionSpec<unknown>) => env ?? "")
  .filter((name) => name.includes("WAL"));

/** Kubernetes sets these for a service that is named like one of the variables. */
const SERVICE_LINK =
  /_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)?)$/;

/** Maximum edit distance to a known name. */
const MAX_WRONG_LETTERS = 2;

/** Variables that this process has already reported. */
const reported = shared("reported-variables", () => new Set<string>());

/**
 * Returns one sentence for each variable that is set and looks like a misspelled one, once in a
 * process.
 */
export function misspelledVariables(runtime: Runtime): string[] {
  const names = runtime.process.envNames().filter(looksMisspelled).sort();
  return names.filter((name) => !reported.has(name)).map((name) => {
    reported.add(name);
    const meant = sameWords(name) ?? nearest(name, KNOWN, 3);
    const hint = meant ? `did you mean ${meant}?` : `known are ${KNOWN.join(", ")}`;
    return `Ignored the environment variable ${name}: it is not a setting; ${hint}`;
  });
}

function looksMisspelled(name: string): boolean {
  if (KNOWN.includes(name) || SERVICE_LINK.test(name)) return false;
  return /WEAVE.*WAL/i.test(name) || nearest(name, KNOWN, MAX_WRONG_LETTERS) !== undefined;
}

/** `WEAVE_WAL_ENABLED` has the words of `WEAVE_ENABLE_WAL`. */
function sameWords(name: string): string | undefined {
  return KNOWN.find((known) => wordsOf(known) === wordsOf(name));
}

function wordsOf(name: string): string {
  const words = name.toUpperCase().split(/[^A-Z]+/).map((word) => word.replace(/(.*E)D$/, "$1"));
  return words.sort().join();
}
