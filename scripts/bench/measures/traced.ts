/**
 * CPU of a traced call against the official SDK, which has no log.
 *
 * @module
 */

import type { RuntimeName } from "../../test/runners.ts";
import type { Numbers } from "../host.ts";
import {
  fixed,
  type Goal,
  line,
  type Measure,
  type MeasureContext,
  type Result,
} from "../measure.ts";
import { median } from "../median.ts";

/** The measurement for `--only traced`. */
export const traced: Measure = {
  about: "CPU of a traced call against the official SDK, which has no log",
  measure,
};

async function measure(runtime: RuntimeName, context: MeasureContext): Promise<Result> {
  const { host, sizes, doing } = context;
  const server = await host.server("scripts/mock.ts", ["--lean", "--quiet", "--port", "0"]);
  try {
    const one = (which: "official" | "ours"): Promise<Numbers> =>
      host.program(runtime, "traced.ts", [which, String(sizes.tracedCalls)], {
        WF_TRACE_SERVER_URL: server.url,
        WANDB_API_KEY: "k".repeat(40),
        WEAVE_PRINT_CALL_LINK: "false",
        WEAVE_ENABLE_WAL: String(which === "ours"),
        WEAVE_WAL_DIR: host.newFolder(),
      });
    const official: Numbers[] = [];
    const ours: Numbers[] = [];
    for (let round = 1; round <= sizes.tracedRounds; round++) {
      // In alternation, so that other load on the machine affects both.
      doing(`tracing calls with the official SDK, round ${round} of ${sizes.tracedRounds}`);
      official.push(await one("official"));
      doing(`tracing calls with the log, round ${round} of ${sizes.tracedRounds}`);
      ours.push(await one("ours"));
    }
    const cpu = median(ours.map(({ cpuMicros }) => cpuMicros));
    const officialCpu = median(official.map(({ cpuMicros }) => cpuMicros));
    const ratio = median(ours.map(({ cpuMicros }, i) => cpuMicros / official[i].cpuMicros));
    const first = median(
      ours.map(({ firstCpuMicros }, i) => firstCpuMicros / official[i].firstCpuMicros),
    );
    const program = median(ours.map(({ programMicros }) => programMicros));
    const officialProgram = median(official.map(({ programMicros }) => programMicros));
    const seen = `${fixed(cpu, 1)} µs CPU a call, official ${fixed(officialCpu, 1)} µs; ` +
      `time ${fixed(program, 1)} and ${fixed(officialProgram, 1)} µs; ` +
      `while compiling ${fixed(first, 2)} ×`;
    const goal: Goal = runtime === "node"
      ? { is: "at most", bound: 0.4 }
      : { is: "below", bound: 1 };
    return {
      lines: [line("traced", runtime, seen, ratio, "× official", goal)],
      numbers: {
        cpuMicros: cpu,
        officialCpuMicros: officialCpu,
        ratio,
        firstRatio: first,
        programMicros: program,
        officialProgramMicros: officialProgram,
        rssMiB: median(ours.map(({ rssMiB }) => rssMiB)),
        officialRssMiB: median(official.map(({ rssMiB }) => rssMiB)),
      },
    };
  } finally {
    server.stop();
  }
}
