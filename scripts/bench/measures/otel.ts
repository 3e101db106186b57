/**
 * An OpenTelemetry span through the log, compared with the same span through
 * OpenTelemetry's own processor and exporter, which keep it in memory.
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

/** The measurement for `--only otel`. */
export const otel: Measure = {
  about: "an OpenTelemetry span through the log against BatchSpanProcessor and its exporter",
  measure,
};

/**
 * Each span is serialized separately when it ends, whereas the other processor serializes
 * batches.
 */
const GOAL: Goal = { is: "at most", bound: 1.2 };

async function measure(runtime: RuntimeName, context: MeasureContext): Promise<Result> {
  const { host, sizes, doing } = context;
  const server = await host.server("scripts/bench/servers/counter.ts");
  const rounds: { wal: Numbers; batch: Numbers }[] = [];
  try {
    for (let round = 1; round <= sizes.tracedRounds; round++) {
      const run = (kind: string): Promise<Numbers> => {
        doing(`making spans for ${kind}, round ${round} of ${sizes.tracedRounds}`);
        const spans = String(sizes.tracedCalls / 2);
        return host.program(runtime, "otel.ts", [kind, spans, server.url, host.newFolder()]);
      };
      rounds.push({ wal: await run("wal"), batch: await run("batch") });
    }
  } finally {
    server.stop();
  }
  const lines = [];
  const numbers: Record<string, number> = {};
  for (const [name, what] of [["spanMicros", "in the program"], ["cpuMicros", "of CPU time"]]) {
    const wal = median(rounds.map((round) => round.wal[name]));
    const batch = median(rounds.map((round) => round.batch[name]));
    const ratio = median(rounds.map((round) => round.wal[name] / round.batch[name]));
    const seen = `${fixed(wal, 1)} µs a span ${what}; BatchSpanProcessor ${fixed(batch, 1)} µs`;
    lines.push(line("otel", runtime, seen, ratio, "× BatchSpanProcessor", GOAL));
    Object.assign(numbers, { [name]: wal, [`${name}Batch`]: batch, [`${name}Ratio`]: ratio });
  }
  return { lines, numbers };
}
