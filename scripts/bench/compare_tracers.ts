/**
 * Runs the same traced program with several tracers alternately.
 *
 * @module
 */

import type { RuntimeName } from "../test/runners.ts";
import type { Numbers } from "./host.ts";
import type { MeasureContext } from "./measure.ts";
import { median } from "./median.ts";

/** Costs of tracers on one workload. */
export interface Comparison {
  /** The median of one of a tracer's numbers. */
  of(tracer: string, number: string): number;
  /** The median of the ratios of two tracers' numbers per round. */
  ratio(tracer: string, to: string, number: string): number;
  /** The raw numbers, for `--json`. */
  readonly numbers: Numbers;
}

/** Runs a workload once per round with each tracer, so that other load affects all of them. */
export async function compareTracers(
  runtime: RuntimeName,
  { host, sizes, doing }: MeasureContext,
  workload: string,
  tracers: readonly string[],
): Promise<Comparison> {
  const server = await host.server("scripts/mock.ts", ["--lean", "--quiet", "--port", "0"]);
  const runs = new Map<string, Numbers[]>(tracers.map((tracer) => [tracer, []]));
  try {
    for (let round = 1; round <= sizes.tracedRounds; round++) {
      for (const tracer of tracers) {
        doing(`tracing ${workload} calls with ${tracer}, round ${round} of ${sizes.tracedRounds}`);
        const args = [tracer, workload, String(sizes.tracedCalls)];
        const numbers = await host.program(runtime, "traced.ts", args, {
          WF_TRACE_SERVER_URL: server.url,
          WANDB_API_KEY: "k".repeat(40),
          WEAVE_PRINT_CALL_LINK: "false",
          WEAVE_ENABLE_WAL: String(tracer === "log" || tracer === "register"),
          WEAVE_WAL_DIR: host.newFolder(),
        });
        runs.get(tracer)!.push(numbers);
      }
    }
  } finally {
    server.stop();
  }
  const values = (tracer: string, number: string): number[] =>
    runs.get(tracer)!.map((numbers) => numbers[number]);
  const of = (tracer: string, number: string): number => median(values(tracer, number));
  return {
    of,
    ratio: (tracer, to, number) => {
      const others = values(to, number);
      return median(values(tracer, number).map((value, round) => value / others[round]));
    },
    numbers: Object.fromEntries(
      tracers.flatMap((tracer) =>
        Object.keys(runs.get(tracer)![0]).map((number) => [
          `${workload}.${tracer}.${number}`,
          of(tracer, number),
        ])
      ),
    ),
  };
}
