/**
 * The time from the last statement of a traced program to its exit, compared with the
 * same program without tracing.
 *
 * @module
 */

import type { RuntimeName } from "../../test/runners.ts";
import { fixed, line, type Measure, type MeasureContext, type Result } from "../measure.ts";
import { median } from "../median.ts";

/** The measurement for `--only exit`. */
export const exit: Measure = {
  about: "the end of a program that traced 100 calls, against the same program without tracing",
  measure,
};

async function measure(runtime: RuntimeName, context: MeasureContext): Promise<Result> {
  const { host, sizes, doing } = context;
  const server = await host.server("scripts/mock.ts", ["--lean", "--quiet", "--port", "0"]);
  const times = { traced: [] as number[], plain: [] as number[] };
  try {
    for (let round = 1; round <= 2 * sizes.tracedRounds; round++) {
      doing(`ending programs, round ${round} of ${2 * sizes.tracedRounds}`);
      for (const which of ["traced", "plain"] as const) {
        const { endedAt } = await host.program(runtime, "ending.ts", [which], {
          WF_TRACE_SERVER_URL: server.url,
          WANDB_API_KEY: "k".repeat(40),
          WEAVE_PRINT_CALL_LINK: "false",
          WEAVE_ENABLE_WAL: "true",
          WEAVE_WAL_DIR: host.newFolder(),
        });
        times[which].push(Date.now() - endedAt);
      }
    }
  } finally {
    server.stop();
  }
  const [tracedMs, plainMs] = [median(times.traced), median(times.plain)];
  const more = median(times.traced.map((ms, round) => ms - times.plain[round]));
  const seen = `traced ${fixed(tracedMs, 0)} ms, not traced ${fixed(plainMs, 0)} ms`;
  return {
    lines: [line("exit", runtime, seen, more, "ms more", { is: "at most", bound: 50 })],
    numbers: { tracedMs, plainMs, moreMs: more },
  };
}
