#!/usr/bin/env node
/**
 * The command `weave-wal`: shows, sends, reads and repairs the logs of this package. Importing this
 * module runs it.
 *
 * `npx @weave-wal/client status`, `bunx @weave-wal/client status`,
 * `deno run -A jsr:@weave-wal/client/cli status`.
 *
 * @module
 */

import process from "node:process";
import { detectRuntime } from "../runtime/detect.ts";
import { runCommand } from "./program.ts";
import { listenForSignals, processTerminal } from "./terminal/terminal.ts";

const code = await runCommand(process.argv.slice(2), {
  runtime: detectRuntime(),
  terminal: processTerminal(),
  stop: listenForSignals(),
});
process.exit(code);
