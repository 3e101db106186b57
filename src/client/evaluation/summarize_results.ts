/**
 * Summarizes an evaluation: means and counts of the columns of its results.
 *
 * @module
 */

/**
 * Summary of a column: `mean` of numbers, `true_count` and `true_fraction` of booleans, and a
 * summary of each part for objects.
 *
 * @example
 * ```ts
 * import type { ColumnSummary } from "@weave-wal/client";
 *
 * const column: ColumnSummary = { true_count: 1, true_fraction: 0.5 };
 * if (column.true_count !== 1) throw new Error();
 * ```
 */
export interface ColumnSummary {
  /** Sum of the numbers divided by the number of rows; rows without a number count as 0. */
  readonly mean?: number;
  /** Number of rows that are `true`. */
  readonly true_count?: number;
  /** Fraction of rows that are `true`, from 0 to 1. */
  readonly true_fraction?: number;
  /** Summary of a part. */
  readonly [part: string]: ColumnSummary | number | undefined;
}

/**
 * Summary of an evaluation, by column of its results: `model_success`, each scorer, and so on.
 *
 * @example
 * ```ts
 * import { Dataset, Evaluation, type EvaluationSummary, op } from "@weave-wal/client";
 *
 * const dataset = new Dataset({ name: "words", rows: [{ text: "a" }] });
 * const evaluation = new Evaluation({ dataset, scorers: [] });
 * const model = op(
 *   ({ datasetRow }: { datasetRow: { text: string } }) => datasetRow.text.length,
 *   { name: "length" },
 * );
 * const summary: EvaluationSummary = await evaluation.evaluate({ model });
 * if (summary.model_latency === undefined) throw new Error(JSON.stringify(summary));
 * ```
 */
export type EvaluationSummary = Record<string, ColumnSummary>;

/** Summarizes rows of results. Omits columns without numbers or booleans. */
export function summarizeResults(rows: readonly unknown[]): EvaluationSummary {
  return summarizeColumns(rows, new Set());
}

/** @param outer The objects that contain `rows`, since an object may contain itself. */
function summarizeColumns(
  rows: readonly unknown[],
  outer: ReadonlySet<unknown>,
): Record<string, ColumnSummary> {
  const within = new Set(outer);
  for (const row of rows) if (isObject(row)) within.add(row);
  const names = new Set(rows.flatMap((row) => Object.keys(row ?? {})));
  const summary: Record<string, ColumnSummary> = {};
  for (const name of names) {
    const column = rows.map((row) => (row as Record<string, unknown> | null | undefined)?.[name])
      .map((value) => within.has(value) ? null : value);
    const part = column.some(hasColumns)
      ? summarizeColumns(column, within)
      : summarizeColumn(column);
    if (Object.keys(part).length > 0) summary[name] = part;
  }
  return summary;
}

function summarizeColumn(column: readonly unknown[]): ColumnSummary {
  const values = column.filter((value) => value != null);
  if (values.length === 0) return {};
  if (values.every((value) => typeof value === "boolean")) {
    const count = values.filter(Boolean).length;
    return { true_count: count, true_fraction: count / column.length };
  }
  if (values.every((value) => typeof value === "number")) {
    return { mean: values.reduce((sum, value) => sum + value, 0) / column.length };
  }
  return {};
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/**
 * Returns whether a value is summarized by its parts: an object other than a list, image or audio.
 */
function hasColumns(value: unknown): boolean {
  if (!isObject(value) || Array.isArray(value)) return false;
  const { _weaveType: type } = value as { _weaveType?: unknown };
  return type !== "Image" && type !== "Audio";
}
