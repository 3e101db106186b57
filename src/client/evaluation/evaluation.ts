/**
 * `Evaluation`: runs a model on a dataset, scores its outputs, and summarizes the scores.
 *
 * @module
 */

import type {
  EvaluatedModel,
  EvaluationParameters,
  EvaluationScorer,
  PredictionResult,
} from "./evaluation_types.ts";
import { standardError } from "../../runtime/standard_error.ts";
import { globalRecorder } from "../global_client.ts";
import { Dataset } from "../objects/dataset.ts";
import { markClass } from "../objects/kind.ts";
import { classChain, WeaveObject } from "../objects/weave_object.ts";
import { describeError } from "../calls/describe_error.ts";
import { op } from "../op/op.ts";
import { ALWAYS_RECORDED } from "../op/op_state.ts";
import { invalidOption } from "../settings/invalid_option.ts";
import { type ColumnMapping, mapColumns } from "./column_mapping.ts";
import { forEachConcurrently } from "./concurrent_loop.ts";
import { type EvaluationSummary, summarizeResults } from "./summarize_results.ts";
import { callableName, callCallable, checkCallable, reportIfOfficial } from "./weave_callable.ts";

/** Default number of concurrent predictions. */
const DEFAULT_CONCURRENCY = 5;

/**
 * Runs a model on every row of a dataset, scores its outputs, and summarizes the scores. The
 * evaluation, its dataset and all calls appear in Weave as an evaluation.
 *
 * A failing model or scorer does not end the evaluation: the call is recorded with its error,
 * `model_success` is `false` or the score is missing, and the error is logged once.
 *
 * @example
 * ```ts
 * import { Dataset, Evaluation, op } from "@weave-wal/client";
 *
 * const evaluation = new Evaluation({
 *   name: "capitals",
 *   dataset: new Dataset({
 *     name: "countries",
 *     rows: [{ country: "France", capital: "Paris" }, { country: "Peru", capital: "Lima" }],
 *   }),
 *   scorers: [
 *     op(function correct({ datasetRow, modelOutput }: {
 *       datasetRow: { capital: string };
 *       modelOutput: string;
 *     }) {
 *       return modelOutput === datasetRow.capital;
 *     }),
 *   ],
 * });
 * const model = op(function guess(_: { datasetRow: { country: string } }) {
 *   return "Paris";
 * });
 *
 * const { correct } = await evaluation.evaluate({ model });
 * if (correct.true_fraction !== 0.5) throw new Error("One of two is right");
 * ```
 */
export class Evaluation<
  R extends object = Record<string, unknown>,
  E extends object = R,
  M = unknown,
> extends WeaveObject {
  private dataset: Dataset<R>;
  private scorers: EvaluationScorer<E, M>[];
  private columnMapping?: ColumnMapping<R, E>;
  readonly #maxConcurrency: number;

  /**
   * Creates an evaluation for any model on a dataset.
   *
   * @throws {WeaveWalError} `ERR_INVALID_OPTION` for a scorer that cannot be called, and for a
   * `maxConcurrency` below 1.
   */
  constructor(parameters: EvaluationParameters<R, E, M>) {
    super(parameters);
    const { dataset, scorers, columnMapping, maxConcurrency = DEFAULT_CONCURRENCY } = parameters;
    for (const scorer of scorers) checkCallable("a scorer of an evaluation", scorer);
    checkCount("maxConcurrency", maxConcurrency);
    this.dataset = ownDataset(dataset);
    this.scorers = scorers;
    this.columnMapping = columnMapping;
    this.#maxConcurrency = maxConcurrency;
    const [className] = classChain(this);
    this.evaluate = op(this, this.evaluate, {
      name: `${className}.evaluate`,
      parameterNames: "useParam0Object",
      callDisplayName: ({ model }) => `${this.name}_${callableName(model)}`,
      ...ALWAYS_RECORDED,
    });
    this.predictAndScore = op(this, this.predictAndScore, {
      name: `${className}.predictAndScore`,
      parameterNames: "useParam0Object",
      ...ALWAYS_RECORDED,
    });
  }

  /**
   * Evaluates a model on all rows of the dataset.
   *
   * @param options.model The model.
   * @param options.nTrials Number of predictions for each row. Default 1.
   * @param options.maxConcurrency Number of concurrent predictions; default: that of the
   * evaluation.
   * @returns The summary: `model_success`, `model_latency`, and an entry for each scorer and for
   * each numeric or boolean part of the outputs.
   * @throws {WeaveWalError} `ERR_INVALID_OPTION` for a model that cannot be called, and for numbers
   * below 1.
   */
  async evaluate(
    { model, nTrials = 1, maxConcurrency = this.#maxConcurrency }: {
      model: EvaluatedModel<R & E, M>;
      nTrials?: number;
      maxConcurrency?: number;
    },
  ): Promise<EvaluationSummary> {
    checkCallable("the model of an evaluation", model);
    checkCount("nTrials", nTrials);
    checkCount("maxConcurrency", maxConcurrency);
    for (const callable of [model, ...this.scorers]) reportIfOfficial(callable);
    const { dataset, columnMapping } = this;
    // A dataset created from a ref has no rows until they are loaded; a list of rows has no such
    // method.
    await dataset.rows?.load?.();
    const rows: Record<string, unknown>[] = [];
    let done = 0, errors = 0;
    await forEachConcurrently(repeat(dataset, nTrials), maxConcurrency, async (example, index) => {
      const { scores, model_latency, model_success, model_output } = await this.predictAndScore(
        { model, example, columnMapping },
      );
      rows[index] = { model_success, model_output, ...scores, model_latency };
      if (!model_success) errors++;
      globalRecorder()?.showProgress(
        `${this.name}: ${++done} of ${dataset.length * nTrials} examples, ${errors} errors`,
      );
    });
    return summarizeResults(rows);
  }

  /** Runs a model on one row and scores its output. */
  async predictAndScore({ model, example, columnMapping }: {
    model: EvaluatedModel<R & E, M>;
    example: R;
    columnMapping?: ColumnMapping<R, E>;
  }): Promise<PredictionResult<M>> {
    // Without a mapping, pass the row itself, so that its ref is recorded instead of its content.
    const datasetRow = (columnMapping ? mapColumns(example, columnMapping) : example) as R & E;
    const result: PredictionResult<M> = {
      model_success: true,
      model_output: undefined,
      scores: {},
      model_latency: 0,
    };
    const start = performance.now();
    try {
      result.model_output = await callCallable(model, { datasetRow }) as M;
    } catch (error) {
      result.model_success = false;
      this.#report(`Model ${callableName(model)} failed`, error);
    }
    result.model_latency = (performance.now() - start) / 1000;
    if (!result.model_success) return result;
    for (const scorer of this.scorers) {
      const name = callableName(scorer);
      result.scores[name] = undefined;
      try {
        const { model_output: modelOutput } = result;
        result.scores[name] = await callCallable(scorer, { datasetRow, modelOutput });
      } catch (error) {
        this.#report(`Scorer ${name} failed`, error);
      }
    }
    return result;
  }

  /** Logs an error, once for each model and scorer; all errors are in the calls. */
  #report(what: string, error: unknown): void {
    const recorder = globalRecorder();
    const place = `${what} in evaluation ${this.name}`;
    const message = `${place}: ${describeError(error)}`;
    if (recorder) recorder.warn("evaluation-error", message, place);
    else standardError.warn(`weave-wal: ${message}`);
  }
}

markClass(Evaluation, "Evaluation");

/** Converts a dataset of the official SDK, so that its rows are recorded as refs. */
function ownDataset<R extends object>(dataset: Dataset<R>): Dataset<R> {
  if (dataset instanceof Dataset) return dataset;
  const { name, description, rows: table } = dataset as Partial<Dataset<R>>;
  if (!Array.isArray(table?.rows)) return dataset;
  // The SDK stores its own refs in the rows.
  const rows = table.rows.map((row) => {
    const { __savedRef: _, ...data } = row as R & { __savedRef?: unknown };
    return data as unknown as R;
  });
  return new Dataset({ name, description, rows });
}

async function* repeat<T>(items: AsyncIterable<T>, times: number): AsyncGenerator<T> {
  for (let i = 0; i < times; i++) yield* items;
}

function checkCount(name: string, value: unknown): void {
  if (typeof value === "number" && value >= 1) return;
  throw invalidOption(`${name} of an evaluation`, value, "a number of at least 1");
}
