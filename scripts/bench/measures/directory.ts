/**
 * The cost of a directory with very many files: for a program that writes there, and for
 * `weave-wal status`.
 *
 * @module
 */

import type { RuntimeName } from "../../test/runners.ts";
import type { Numbers } from "../host.ts";
import {
  count,
  fixed,
  type Line,
  line,
  type Measure,
  type MeasureContext,
  type Result,
} from "../measure.ts";

/** The measurement for `--only directory`. */
export const directory: Measure = {
  about: "a directory with 100,000 segments or dead letters: gaps of the event loop, and status",
  measure,
};

/** The address of a server that is away. */
const AWAY = "http://127.0.0.1:9";
/** Duration (s) of the program: the first scan, several reports, and a pause of the drain. */
const SECONDS = 40;

async function measure(runtime: RuntimeName, context: MeasureContext): Promise<Result> {
  const { host, sizes: { directoryFiles }, doing } = context;
  const lines: Line[] = [];
  const numbers: Record<string, number> = {};
  for (const kind of ["segments", "dead-letters"]) {
    const what = `${count(directoryFiles)} ${kind}`;
    const root = host.newFolder();
    doing(`writing ${what}`);
    await host.program("node", "write_orphans.ts", [root, AWAY, String(directoryFiles), kind]);
    doing(`reporting on ${what}`);
    const status = await host.program(runtime, "status.ts", [root]);
    doing(`running a program beside ${what}`);
    const program = await host.program(runtime, "crowded_host.ts", [root, String(SECONDS)]);
    lines.push(...linesOf(runtime, what, status, program));
    for (const [name, value] of Object.entries({ ...status, ...program })) {
      numbers[`${kind} ${name}`] = value;
    }
  }
  return { lines, numbers };
}

function linesOf(runtime: RuntimeName, what: string, status: Numbers, program: Numbers): Line[] {
  const { firstLineMs, totalMs, cpuMs, peakMB } = status;
  const gap = `${what}: longest gap in ${SECONDS} s, ${
    count(program.reports)
  } statistics; at most ${fixed(program.longestBusyMs, 0)} ms of CPU in a gap, ${
    count(program.busyOver15)
  } gaps with over 15`;
  const first = `${what}: first line of status; all of it ${fixed(totalMs / 1_000, 1)} s, ${
    fixed(cpuMs / 1_000, 1)
  } s of CPU, peak ${fixed(peakMB, 0)} MB`;
  return [
    line("directory", runtime, gap, program.longestGapMs, "ms", { is: "at most", bound: 50 }),
    line("directory", runtime, first, firstLineMs, "ms", { is: "at most", bound: 1_000 }),
  ];
}
