/**
 * An append compared with `JSON.stringify` and one plain write of the same bytes, and
 * with other ways of storing a record.
 *
 * @module
 */

import type { RuntimeName } from "../../test/runners.ts";
import {
  count,
  fixed,
  type Goal,
  type Line,
  line,
  type Measure,
  type MeasureContext,
  type Result,
} from "../measure.ts";

/** The measurement for `--only append`. */
export const append: Measure = {
  about:
    "an append against one plain write of the same bytes, and against other ways to store them",
  measure,
};

/** Sizes (bytes) of a record. */
const SIZES = [200, 600, 4_096, 65_536] as const;

const FLOOR_GOAL: Goal = { is: "at most", bound: 1.15 };
const RIVAL_GOAL: Goal = { is: "below", bound: 1 };

async function measure(runtime: RuntimeName, context: MeasureContext): Promise<Result> {
  const { host, sizes, doing } = context;
  const lines: Line[] = [];
  const numbers: Record<string, number> = {};
  for (const size of SIZES) {
    doing(`appending records of ${count(size)} bytes`);
    const micros = await host.program(runtime, "append.ts", [
      String(sizes.appendMs),
      String(size),
    ]);
    for (const [name, value] of Object.entries(micros)) numbers[`${name}${size}`] = value;
    const { log, floor, logWithoutSync, ...rivals } = micros;
    const seen = `${count(size)} bytes: ${fixed(log, 2)} µs a record, ` +
      `without data syncs ${fixed(logWithoutSync, 2)} µs; plain write ${fixed(floor, 2)} µs`;
    lines.push(line("append", runtime, seen, log / floor, "× plain write", FLOOR_GOAL));
    for (const [name, value] of Object.entries(rivals)) {
      const other = `${count(size)} bytes: ${name} ${fixed(value, 2)} µs a record`;
      lines.push(line("append", runtime, other, log / value, `× ${name}`, RIVAL_GOAL));
    }
  }
  return { lines, numbers };
}
