/**
 * The index of messages in the runbook.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { projectPath } from "../cli/cli_support.ts";

/** Text of the page. */
export const RUNBOOK: string = readFileSync(projectPath("docs/operations/runbook.md"), "utf8");

/** A row of the index. */
export interface RunbookEntry {
  /** The message, with `…` for names, numbers and reasons. */
  readonly text: string;
  readonly name: string;
  readonly anchor: string;
}

const ROW =
  /^\| `(.+?)` +\| (?:`([\w-]+)`|a check|a (response)|an (error)) +\| \[.+?\]\(#([\w-]+)\) +\|$/gm;

/** All rows. Responses and errors have no name of their own; the name of a check is `missing-log`. */
export const RUNBOOK_INDEX: readonly RunbookEntry[] = [...RUNBOOK.matchAll(ROW)].map(
  ([, text, name, response, error, anchor]) => ({
    text,
    name: name ?? response ?? error ?? "missing-log",
    anchor,
  }),
);

/**
 * The entry of a message; `undefined` if it is not in the index. Of several, it is the one with
 * the most of the message's text.
 */
export function runbookEntry(name: string, message: string): RunbookEntry | undefined {
  return RUNBOOK_INDEX
    .filter((entry) => entry.name === name && patternOf(entry.text).test(message))
    .sort((one, other) => other.text.length - one.text.length)[0];
}

/** The text of an entry as a pattern; `…` matches anything. */
function patternOf(text: string): RegExp {
  const parts = text.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s");
}
