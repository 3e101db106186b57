/**
 * The writers of a project, each counted once regardless of its number of files.
 *
 * @module
 */

import type { ProcessLiveness, Writer } from "../../../wal/processes/process_status.ts";
import { parseStem } from "../../../wal/segment/segment_name.ts";
import type { ProjectReport } from "../report.ts";

/** Order of significance for a writer with several files. */
const ORDER: readonly ProcessLiveness[] = ["alive", "unresponsive", "remote", "dead", "closed"];

/** Returns the writers of a project, by liveness. */
export function writersOf(project: ProjectReport): Map<ProcessLiveness, Writer[]> {
  const byToken = new Map<string, Writer>();
  for (const { state } of project.segments) {
    if (state.writer === null) continue;
    const token = parseStem(state.stem)?.writer ?? state.stem;
    const known = byToken.get(token);
    if (!known || rank(state.writer) < rank(known)) byToken.set(token, state.writer);
  }
  const writers = new Map<ProcessLiveness, Writer[]>();
  for (const liveness of ORDER) {
    const found = [...byToken.values()].filter((writer) => writer.liveness === liveness);
    if (found.length > 0) writers.set(liveness, found);
  }
  return writers;
}

function rank({ liveness }: Writer): number {
  return ORDER.indexOf(liveness);
}
