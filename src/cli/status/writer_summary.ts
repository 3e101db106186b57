/**
 * The writers of a project: each counted once, however many files it has.
 *
 * @module
 */

import type { Standing, Writer } from "../../wal/ownership/segment_status.ts";
import { parseStem } from "../../wal/segment/segment_name.ts";
import type { ProjectReport } from "./report.ts";

/** Which standing tells most of a writer that has several files. */
const ORDER: readonly Standing[] = ["alive", "silent", "elsewhere", "dead", "closed"];

/** The writers of a project, by what they are doing. */
export function writersOf(project: ProjectReport): Map<Standing, Writer[]> {
  const byToken = new Map<string, Writer>();
  for (const { state } of project.segments) {
    const token = parseStem(state.stem)?.writer ?? state.stem;
    const known = byToken.get(token);
    if (!known || rank(state.writer) < rank(known)) byToken.set(token, state.writer);
  }
  const writers = new Map<Standing, Writer[]>();
  for (const standing of ORDER) {
    const found = [...byToken.values()].filter((writer) => writer.standing === standing);
    if (found.length > 0) writers.set(standing, found);
  }
  return writers;
}

function rank({ standing }: Writer): number {
  return ORDER.indexOf(standing);
}
