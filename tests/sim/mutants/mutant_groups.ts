/**
 * The mutants in groups, each small enough for one test.
 *
 * @module
 */

import assert from "node:assert/strict";
import { sim } from "../child.ts";
import type { Bug } from "./mutant.ts";
import { CLOSING_BUGS } from "./closing.ts";
import { FOREIGN_BUGS } from "./foreign.ts";
import { LEASE_BUGS } from "./leases.ts";
import { DISK_BUGS } from "./disk.ts";
import { REMOVAL_BUGS } from "./removal.ts";
import { SENDING_BUGS } from "./sending.ts";
import { SPAN_CLOSING_BUGS } from "./span_closing.ts";

/** A group of mutants and the promise that they break. */
export const MUTANT_GROUPS: readonly (readonly [string, readonly Bug[]])[] = [
  ["writing and reading the log", DISK_BUGS],
  ["removing segments and dead-lettering", REMOVAL_BUGS],
  ["sharing logs among processes", LEASE_BUGS],
  ["sending the logs of other writers", FOREIGN_BUGS],
  ["closing calls that were cut off", CLOSING_BUGS],
  ["closing spans that were cut off", SPAN_CLOSING_BUGS],
  ["sending", SENDING_BUGS],
];

/** Asserts that the simulation finds each of these mutants within its number of seeds. */
export async function assertAllFound(bugs: readonly Bug[]): Promise<void> {
  const names = bugs.map(({ name }) => name);
  const { code, output } = await sim(["--prove", "--bug", names.join(",")]);
  assert.equal(code, 0, output);
  for (const name of names) assert.match(output, new RegExp(`^found ${name} at seed \\d+: `, "m"));
}
