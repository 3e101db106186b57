/**
 * The commands of `weave-wal` on directories with many files, and with large ones.
 *
 * @module
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { projectDirectory } from "../../../src/wal/segment/project_directory.ts";
import { formatStem, writerToken } from "../../../src/wal/segment/segment_name.ts";
import { SEGMENT_BYTES, writeSparseLog } from "../../../tests/support/wal/sparse_logs.ts";
import type { RuntimeName } from "../../test/runners.ts";
import { count, fixed, type Line, line, type MeasureContext, type Result } from "../measure.ts";

/** Limit of a command, in s. */
const GOAL_S = 2;
const SERVER = "http://127.0.0.1:9";

/** Measures each command on the directories for which its time has a limit. */
export async function measureCommands(
  runtime: RuntimeName,
  { host, sizes, doing }: MeasureContext,
  built: string,
): Promise<Result> {
  const lines: Line[] = [];
  const numbers: Record<string, number> = {};
  if (process.platform !== "linux") return { lines, numbers };
  const module = pathToFileURL(join(built, "src", "cli", "main.js")).href;
  const processes = Math.max(...sizes.deadProcesses);
  doing(`writing what ${count(processes)} processes left`);
  const [segments, deadLetters, large] = [host.newFolder(), host.newFolder(), host.newFolder()];
  await host.program("node", "write_orphans.ts", [segments, SERVER, String(processes)]);
  writeDeadLetters(deadLetters, processes);
  writeSparseLog(projectDirectory(large, "bench", "bench"), sizes.largeSegments, "bench/bench");
  const gigabytes = fixed(sizes.largeSegments * SEGMENT_BYTES / 1e9, 0);
  const runs: readonly (readonly [directory: string, what: string, command: string])[] = [
    [segments, `${count(processes)} segments`, "status"],
    [segments, `${count(processes)} segments`, "verify"],
    [segments, `${count(processes)} segments`, "inspect"],
    [deadLetters, `${count(processes)} dead letters`, "status"],
    [deadLetters, `${count(processes)} dead letters`, "verify"],
    [deadLetters, `${count(processes)} dead letters`, "dead-letters list"],
    [large, `${gigabytes} GB`, "status"],
  ];
  for (const [directory, what, command] of runs) {
    doing(`running ${command} on ${what}`);
    const args = [module, ...command.split(" "), "--dir", directory];
    const { ms, cpuMs, peakMiB } = await host.program(runtime, "command.ts", args);
    const seen = `${command} on ${what}: ${fixed(cpuMs, 0)} ms of CPU, peak ${
      fixed(peakMiB, 0)
    } MiB`;
    lines.push(
      line("recovery", runtime, seen, ms / 1_000, "s", { is: "at most", bound: GOAL_S }),
    );
    const name = `${command} on ${what}`;
    Object.assign(numbers, { [`${name}, ms`]: ms, [`${name}, MiB`]: peakMiB });
  }
  return { lines, numbers };
}

/** Writes the dead letters of this many segments, one each. */
function writeDeadLetters(root: string, segments: number): void {
  const directory = projectDirectory(root, "bench", "bench");
  mkdirSync(directory, { recursive: true });
  const begun = BigInt(Date.now()) * 1_000_000n;
  for (let n = 0; n < segments; n++) {
    const id = n.toString(16).padStart(32, "0");
    const { stem } = formatStem(begun + BigInt(n), writerToken(id, SERVER));
    const entry = {
      type: "feedback_create",
      req: { id, project_id: "bench/bench", feedback_type: "note", payload: { note: "useful" } },
      error: {
        reason: "refused",
        status: 422,
        message: "Unprocessable",
        attempts: 1,
        at: "2026-01-01T00:00:00.000Z",
        offset: 0,
        length: 200,
      },
    };
    writeFileSync(join(directory, `${stem}.deadletter`), `${JSON.stringify(entry)}\n`);
  }
}
