/**
 * The official SDK with the log against the official SDK without it.
 *
 * @module
 */

import type { RuntimeName } from "../../test/runners.ts";
import { fixed, line, type Measure, type MeasureContext, type Result } from "../measure.ts";

/** The measurement for `--only register`. */
export const register: Measure = {
  about: "the official SDK with the log against the official SDK without it",
  measure,
};

async function measure(runtime: RuntimeName, context: MeasureContext): Promise<Result> {
  const { host, sizes, doing } = context;
  const server = await host.server("scripts/mock.ts", ["--lean", "--quiet", "--port", "0"]);
  try {
    doing("tracing calls with the official SDK, without and with the log");
    const numbers = await host.program(runtime, "register.ts", [
      server.url,
      String(sizes.tracedCalls),
      String(sizes.tracedRounds),
    ]);
    const { logCpuMicros, aloneCpuMicros, logProgramMicros, aloneProgramMicros } = numbers;
    const cpu = `${fixed(logCpuMicros, 1)} µs CPU a call, without the log ${
      fixed(aloneCpuMicros, 1)
    } µs`;
    const time = `${fixed(logProgramMicros, 1)} µs time a call, without the log ` +
      `${fixed(aloneProgramMicros, 1)} µs`;
    return {
      numbers,
      lines: [
        line("register", runtime, cpu, numbers.ratio, "× without the log", {
          is: "at most",
          bound: 1,
        }),
        line("register", runtime, time, numbers.programRatio, "× without the log", {
          is: "below",
          bound: 1,
        }),
      ],
    };
  } finally {
    server.stop();
  }
}
