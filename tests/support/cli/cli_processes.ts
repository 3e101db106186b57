/**
 * Finds and changes the presence files of processes.
 *
 * @module
 */

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "@std/path";
import { PROCESSES_DIRECTORY } from "../../../src/wal/processes/presence_state.ts";

/** Paths of the presence files below the root of all logs. */
export function presenceFiles(wal: string): string[] {
  const directory = join(wal, PROCESSES_DIRECTORY);
  if (!existsSync(directory)) return [];
  return readdirSync(directory).filter((name) => name.endsWith(".json")).map((name) =>
    join(directory, name)
  );
}

/** Sets fields of each presence file below the root of all logs. */
export function changePresence(wal: string, facts: Record<string, unknown>): void {
  for (const file of presenceFiles(wal)) {
    const known = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify({ ...known, ...facts }));
  }
}
