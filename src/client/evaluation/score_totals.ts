/**
 * Running totals of scores. Memory grows with the number of scorers, not of predictions.
 *
 * @module
 */

import type { EvaluationSummary } from "./summarize_results.ts";

/** Totals of one scorer; `type` is `undefined` once scores have different types. */
interface Total {
  type: "number" | "boolean" | undefined;
  count: number;
  sum: number;
}

/** Totals by scorer. */
export class ScoreTotals {
  readonly #totals = new Map<string, Total>();

  /** Adds the scores of a prediction. */
  add(scores: Readonly<Record<string, unknown>>): void {
    for (const [name, score] of Object.entries(scores)) {
      if (score == null) continue;
      const type = typeof score === "number" || typeof score === "boolean"
        ? typeof score as "number" | "boolean"
        : undefined;
      const total = this.#totals.get(name) ?? { type, count: 0, sum: 0 };
      this.#totals.set(name, total);
      if (total.type !== type) total.type = undefined;
      total.count++;
      if (total.type !== undefined) total.sum += Number(score);
    }
  }

  /** Returns means of numbers, and counts and fractions of booleans; omits other scores. */
  summary(): EvaluationSummary {
    const summary: EvaluationSummary = {};
    for (const [name, { type, count, sum }] of this.#totals) {
      if (type === "number") summary[name] = { mean: sum / count };
      if (type === "boolean") summary[name] = { true_count: sum, true_fraction: sum / count };
    }
    return summary;
  }
}
