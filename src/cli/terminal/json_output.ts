/**
 * JSON on a terminal. Logs may have been planted, and their strings must not control the terminal.
 *
 * @module
 */

import { escapeControls } from "../../protocol/escape_controls.ts";
import type { Output } from "./terminal.ts";

/** Writes JSON text, unchanged unless a terminal shows it. */
export async function writeJson(out: Output, text: string): Promise<void> {
  await out.write(out.isTerminal ? escapeControls(text) : text);
}
