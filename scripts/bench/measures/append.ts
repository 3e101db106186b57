/**
 * An append against JSON.stringify and one plain write of the same bytes.
 *
 * @module
 */

import type { RuntimeName } from "../../test/runners.ts";
import {
  fixed,
  type Goal,
  line,
  type Measure,
  type MeasureContext,
  type Result,
} from "../measure.ts";

/** The measurement for `--only append`. */
export const append: Measure = {
  about: "an append against JSON.stringify and one plain write of the same bytes",
  measure,
};

async function measure(runtime: RuntimeName, context: MeasureContext): Promise<Result> {
  const { host, sizes, doing } = context;
  doing("appending records");
  const numbers = await host.program(runtime, "append.ts", [String(sizes.appendMs)]);
  const { appendMicros, floorMicros, ratio } = numbers;
  const seen = `${fixed(appendMicros, 2)} µs a record, floor ${fixed(floorMicros, 2)} µs`;
  const goal: Goal = { is: "at most", bound: 1.3 };
  return { numbers, lines: [line("append", runtime, seen, ratio, "× floor", goal)] };
}
