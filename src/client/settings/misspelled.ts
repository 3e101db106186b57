/**
 * Detects environment variables that look like misspelled settings of the log: a misspelled
 * `WEAVE_ENABLE_WAL` would silently leave the log off.
 *
 * @module
 */

import { shared } from "../../runtime/process/shared_state.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { nearest } from "./nearest.ts";
import { OPTION_TABLE, type OptionSpec, RESOLVED_OPTIONS } from "./option_specs.ts";

/** Names of all variables about the log. */
const KNOWN: readonly string[] = Object.values({ ...OPTION_TABLE, ...RESOLVED_OPTIONS })
  .map(({ env }: OptionSpec<unknown>) => env ?? "")
  .filter((name) => name.includes("WAL"));

/** Kubernetes sets these for a service with the name of one of the variables. */
const SERVICE_LINK =
  /_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)?)$/;

/** Maximum edit distance to a known name. */
const MAX_WRONG_LETTERS = 2;

/** Variables that this process has already reported. */
const reported = shared("reported-variables", () => new Set<string>());

/** Returns a message for each variable that looks misspelled, once per process. */
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

/** Finds a name with the same words: `WEAVE_WAL_ENABLED` for `WEAVE_ENABLE_WAL`. */
function sameWords(name: string): string | undefined {
  return KNOWN.find((known) => wordsOf(known) === wordsOf(name));
}

function wordsOf(name: string): string {
  const words = name.toUpperCase().split(/[^A-Z]+/).map((word) => word.replace(/(.*E)D$/, "$1"));
  return words.sort().join();
}
