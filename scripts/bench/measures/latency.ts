/**
 * The time that a traced call takes while a log is delivered, compared with the same
 * program without a sender.
 *
 * @module
 */

import type { RuntimeName } from "../../test/runners.ts";
import type { Numbers } from "../host.ts";
import { count, fixed, line, type Measure, type MeasureContext, type Result } from "../measure.ts";
import { median } from "../median.ts";

/** The measurement for `--only latency`. */
export const latency: Measure = {
  about: "time of a call at 5,000 calls a second while a log is delivered, against no sender",
  measure,
};

/** Orphaned records of earlier processes: more than are delivered during the measurement. */
const BACKLOG_RECORDS_PER_SECOND = 150_000;

async function measure(runtime: RuntimeName, context: MeasureContext): Promise<Result> {
  const { host, sizes, doing } = context;
  const server = await host.server("scripts/bench/servers/counter.ts");
  const runs: { sender: Numbers; withoutSender: Numbers }[] = [];
  try {
    for (let round = 1; round <= sizes.tracedRounds; round++) {
      const of = `round ${round} of ${sizes.tracedRounds}`;
      const run = (walDir: string, disabled: boolean): Promise<Numbers> =>
        host.program(runtime, "latency.ts", [String(sizes.latencySeconds)], {
          WF_TRACE_SERVER_URL: server.url,
          WANDB_API_KEY: "k".repeat(40),
          WEAVE_PRINT_CALL_LINK: "false",
          WEAVE_ENABLE_WAL: "true",
          WEAVE_DISABLE_WAL_SENDER: String(disabled),
          WEAVE_WAL_DIR: walDir,
        });
      doing(`tracing calls without a sender, ${of}`);
      const withoutSender = await run(host.newFolder(), true);
      const directory = host.newFolder();
      const backlog = Math.round(BACKLOG_RECORDS_PER_SECOND * sizes.latencySeconds * 1.5);
      doing(`writing a log of ${count(backlog)} records`);
      await host.program("node", "write_log.ts", [directory, server.url, String(backlog)]);
      doing(`tracing calls while the log is delivered, ${of}`);
      runs.push({ sender: await run(directory, false), withoutSender });
    }
  } finally {
    server.stop();
  }
  const of = (which: "sender" | "withoutSender", number: string): number =>
    median(runs.map((run) => run[which][number]));
  const ratio = median(
    runs.map(({ sender, withoutSender }) => sender.p999Micros / withoutSender.p999Micros),
  );
  const seen = `p99.9 ${fixed(of("sender", "p999Micros"), 0)} µs, without a sender ${
    fixed(of("withoutSender", "p999Micros"), 0)
  } µs; median ${fixed(of("sender", "medianMicros"), 1)} and ${
    fixed(of("withoutSender", "medianMicros"), 1)
  } µs`;
  const gap = of("sender", "longestGapMs");
  const gapSeen = `longest gap of the event loop; without a sender ${
    fixed(of("withoutSender", "longestGapMs"), 1)
  } ms`;
  return {
    lines: [
      line("latency", runtime, seen, ratio, "× without a sender", { is: "at most", bound: 2 }),
      line("latency", runtime, gapSeen, gap, "ms", { is: "at most", bound: 10 }),
    ],
    numbers: {
      ratio,
      p999Micros: of("sender", "p999Micros"),
      withoutSenderP999Micros: of("withoutSender", "p999Micros"),
      longestGapMs: gap,
      withoutSenderLongestGapMs: of("withoutSender", "longestGapMs"),
    },
  };
}
