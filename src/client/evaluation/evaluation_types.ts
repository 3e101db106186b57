/**
 * Models, scorers, parameters and results of evaluations.
 *
 * @module
 */

import type { ColumnMapping } from "./column_mapping.ts";
import type { Dataset } from "../objects/dataset.ts";
import type { WeaveObjectParameters } from "../objects/weave_object.ts";
import type { WeaveCallable } from "./weave_callable.ts";

/**
 * A model: an op, or an object with `invoke`, that receives `{ datasetRow }`.
 *
 * @example
 * ```ts
 * import { type EvaluatedModel, op } from "@weave-wal/client";
 *
 * const guess = ({ datasetRow }: { datasetRow: { country: string } }) =>
 *   datasetRow.country === "Peru" ? "Lima" : "Paris";
 * const model: EvaluatedModel<{ country: string }, string> = op(guess, { name: "guess" });
 * if (typeof model !== "function") throw new Error("An op is a function");
 * ```
 */
export type EvaluatedModel<Row, Output> = WeaveCallable<
  (input: { datasetRow: Row }) => Output | PromiseLike<Output>
>;

/**
 * A scorer: an op, or an object with `invoke`, that receives `{ datasetRow, modelOutput }`.
 *
 * @example
 * ```ts
 * import { type EvaluationScorer, op } from "@weave-wal/client";
 *
 * type Input = { datasetRow: { capital: string }; modelOutput: string };
 * const exact: EvaluationScorer<{ capital: string }, string> = op(
 *   ({ datasetRow, modelOutput }: Input) => datasetRow.capital === modelOutput,
 *   { name: "exact" },
 * );
 * if (typeof exact !== "function") throw new Error("An op is a function");
 * ```
 */
export type EvaluationScorer<Row, Output> = WeaveCallable<
  (input: { datasetRow: Row; modelOutput: Output }) => unknown
>;

/**
 * Parameters of an {@linkcode Evaluation}.
 *
 * @example
 * ```ts
 * import { Dataset, Evaluation, type EvaluationParameters, op } from "@weave-wal/client";
 *
 * const dataset = new Dataset({ name: "capitals", rows: [{ country: "Peru", capital: "Lima" }] });
 * type Row = { country: string; capital: string };
 * const exact = op(({ datasetRow, modelOutput }: { datasetRow: Row; modelOutput: string }) =>
 *   datasetRow.capital === modelOutput, { name: "exact" });
 * const parameters: EvaluationParameters<Row, Row, string> = {
 *   dataset,
 *   scorers: [exact],
 *   maxConcurrency: 2,
 * };
 * new Evaluation({ name: "capitals-exact", ...parameters });
 * ```
 */
export interface EvaluationParameters<R extends object, E extends object, M>
  extends WeaveObjectParameters {
  /** The examples. */
  dataset: Dataset<R>;
  /** Functions that score each prediction. */
  scorers: EvaluationScorer<E, M>[];
  /** Number of examples that are processed concurrently. Default 5. */
  maxConcurrency?: number;
  /**
   * Renames the dataset's columns for the model and the scorers. Default: they receive all columns.
   */
  columnMapping?: ColumnMapping<R, E>;
}

/**
 * Result of one prediction and its scores.
 *
 * @example
 * ```ts
 * import { Dataset, Evaluation, op, type PredictionResult } from "@weave-wal/client";
 *
 * const dataset = new Dataset({ name: "words", rows: [{ text: "a" }] });
 * const evaluation = new Evaluation({ dataset, scorers: [] });
 * const model = op(
 *   ({ datasetRow }: { datasetRow: { text: string } }) => datasetRow.text.length,
 *   { name: "length" },
 * );
 * const example = { text: "a" };
 * const result: PredictionResult = await evaluation.predictAndScore({ model, example });
 * if (result.model_output !== 1) throw new Error(JSON.stringify(result));
 * ```
 */
export interface PredictionResult<M = unknown> {
  /** Whether the model returned. If it failed, nothing was scored. */
  model_success: boolean;
  /** Return value of the model. */
  model_output: M | undefined;
  /** Return values of the scorers, by name; `undefined` for a scorer that failed. */
  scores: Record<string, unknown>;
  /** Duration of the model's call, in seconds. */
  model_latency: number;
}
