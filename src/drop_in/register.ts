/**
 * Makes the official `weave` package durable: load this before the program, and set
 * `WEAVE_ENABLE_WAL=true`. Without the variable it changes nothing.
 *
 * ```sh
 * WEAVE_ENABLE_WAL=true node --import @weave-wal/client/register app.mjs
 * WEAVE_ENABLE_WAL=true bun --preload @weave-wal/client/register app.ts
 * WEAVE_ENABLE_WAL=true deno run -A --preload jsr:@weave-wal/client/register app.ts
 * ```
 *
 * Or as the first line of the program: `import "@weave-wal/client/register";`.
 *
 * @module
 */

import { fromEnvironment } from "../client/settings/find_option.ts";
import { misspelledVariables } from "../client/settings/misspelled.ts";
import { OPTION_TABLE } from "../client/settings/option_specs.ts";
import { detectRuntime } from "../runtime/detect.ts";
import { standardError } from "../runtime/standard_error.ts";
import { makeLogs } from "./logs/default_logs.ts";
import { install } from "./patch/install.ts";

const MARK = Symbol.for("@weave-wal/client/register");
const marked = globalThis as { [MARK]?: boolean };

for (const message of misspelledVariables(detectRuntime())) {
  standardError.warn(`weave-wal: ${message}`);
}
if (!marked[MARK] && isAskedFor()) {
  try {
    install(makeLogs({}));
    marked[MARK] = true;
  } catch (error) {
    say(error);
  }
}

function isAskedFor(): boolean {
  try {
    return fromEnvironment(detectRuntime(), OPTION_TABLE.wal) ?? false;
  } catch (error) {
    say(error);
    return false;
  }
}

/**
 * Reports an error. An invalid setting must not end a program that would run without this package.
 */
function say(error: unknown): void {
  const why = error instanceof Error ? error.message : String(error);
  standardError.warn(`weave-wal: Cannot make weave durable: ${why}`);
}
