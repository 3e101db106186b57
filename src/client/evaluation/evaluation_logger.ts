/**
 * `EvaluationLogger`: records predictions and scores that a program computes itself.
 *
 * @module
 */

import { type GlobalClient, requireGlobalClient } from "../global_client.ts";
import type { Dataset } from "../objects/dataset.ts";
import { savedRef } from "../objects/saved_refs.ts";
import { isWeaveObject, type WeaveObject } from "../objects/weave_object.ts";
import type { TracedCall } from "../calls/traced_call.ts";
import { show } from "../settings/invalid_option.ts";
import { LoggedCalls } from "./logged_calls.ts";
import { loggedEvaluation, loggedModel, loggedScorer } from "./logged_objects.ts";
import { ScoreLogger } from "./score_logger.ts";
import { ScoreTotals } from "./score_totals.ts";

/**
 * Options for {@linkcode EvaluationLogger}. Additional properties are saved with the evaluation.
 *
 * @example
 * ```ts
 * import { EvaluationLogger, type EvaluationLoggerOptions } from "@weave-wal/client";
 *
 * const options: EvaluationLoggerOptions = { name: "capitals", model: { name: "guess" } };
 * if (!EvaluationLogger || options.name !== "capitals") throw new Error();
 * ```
 */
export interface EvaluationLoggerOptions {
  /** Name of the evaluation. */
  name: string;
  /** Purpose of the evaluation. Default: none. */
  description?: string;
  /** The dataset, or its name. Default: none. */
  dataset?: Dataset<object> | string;
  /** Names of the scorers. Default: none. */
  scorers?: string[];
  /** The model, or its name. Default: a model named `model`. */
  model?: WeaveObject | { name?: string };
  /** Attributes of the evaluation's call. Default: none. */
  attributes?: Record<string, unknown>;
  /** Additional properties, saved with the evaluation. */
  [key: string]: unknown;
}

/**
 * Records an evaluation step by step: each prediction and score as soon as it is available. Use it
 * if rows arrive one by one, or if the program has its own loop.
 *
 * Every method records immediately; nothing needs to be awaited.
 *
 * @example
 * ```ts ignore
 * import { EvaluationLogger, init } from "@weave-wal/client";
 *
 * await init("team/project", { wal: true });
 * const evaluation = new EvaluationLogger({ name: "capitals", model: { name: "guess" } });
 * const prediction = evaluation.logPrediction({ country: "Peru" }, "Lima");
 * prediction.logScore("correct", true);
 * prediction.finish();
 * evaluation.logSummary();
 * ```
 */
export class EvaluationLogger {
  readonly #client: GlobalClient = requireGlobalClient();
  readonly #calls = new LoggedCalls();
  readonly #evaluation: WeaveObject;
  readonly #model: WeaveObject;
  readonly #evaluate: TracedCall | null;
  readonly #scorers = new Map<string, WeaveObject>();
  readonly #totals = new ScoreTotals();
  readonly #unfinished = new Set<ScoreLogger>();
  #isFinal = false;

  /**
   * Starts an evaluation.
   *
   * @throws {WeaveWalError} `ERR_NOT_INITIALIZED` before `init`.
   */
  constructor(options: EvaluationLoggerOptions) {
    const { name, description, dataset, scorers = [], model, attributes = {}, ...more } = options;
    this.#evaluation = loggedEvaluation({ name, description }, { dataset, scorers, ...more });
    this.#model = isWeaveObject(model) ? model : loggedModel(model?.name);
    this.#evaluate = this.#calls.evaluate(
      { self: this.#evaluation, model: this.#model },
      attributes,
    );
  }

  /**
   * Records a prediction.
   *
   * @param inputs Inputs of the model.
   * @param output Output of the model.
   * @returns A logger for the scores of the prediction; call its `finish` after the last one.
   */
  logPrediction(inputs: Record<string, unknown>, output: unknown): ScoreLogger {
    const example = { self: this.#evaluation, model: this.#model, example: inputs };
    const call = this.#calls.predictAndScore(this.#evaluate, example);
    const predict = this.#calls.predict(call, inputs, output);
    const logger = new ScoreLogger({
      score: (name, score) => {
        if (call && predict) this.#logScore(call, predict.callId, name, output, score);
      },
      finish: (scores) => {
        this.#unfinished.delete(logger);
        this.#totals.add(scores);
        call?.succeed({ output, scores });
      },
    });
    this.#unfinished.add(logger);
    return logger;
  }

  /**
   * Records a prediction; same as {@linkcode EvaluationLogger.logPrediction}.
   *
   * @param inputs Inputs of the prediction.
   * @param output Output of the model.
   */
  // deno-lint-ignore require-await -- as the SDK has it
  async logPredictionAsync(inputs: Record<string, unknown>, output: unknown): Promise<ScoreLogger> {
    return this.logPrediction(inputs, output);
  }

  /**
   * Ends the evaluation. Unfinished predictions are finished first, with a warning. Further calls
   * do nothing.
   *
   * @param summary The evaluation's output; default: means and counts of the scores.
   */
  // deno-lint-ignore require-await -- as the SDK has it
  async logSummary(summary?: Record<string, unknown>): Promise<void> {
    if (this.#isFinal) return;
    this.#isFinal = true;
    const { size } = this.#unfinished;
    if (size > 0) {
      this.#calls.warn(
        "unfinished-predictions",
        `logSummary() finished ${size} predictions of ${this.#evaluation.name} whose finish() was ` +
          "not called",
      );
    }
    for (const logger of this.#unfinished) void logger.finish();
    const output = summary ?? this.#totals.summary();
    this.#calls.summarize(this.#evaluate, { self: this.#evaluation }, output);
    this.#evaluate?.succeed(output);
  }

  #logScore(
    call: TracedCall,
    predictId: string,
    name: string,
    output: unknown,
    score: unknown,
  ): void {
    let scorer = this.#scorers.get(name);
    if (scorer === undefined) this.#scorers.set(name, scorer = loggedScorer(name));
    const scored = this.#calls.score(call, name, { self: scorer, output }, score);
    const ref = savedRef(scorer);
    if (scored && ref) {
      void this.#client.addScore(predictId, scored.callId, ref.uri(), score);
      return;
    }
    this.#calls.warn(
      "score-not-attached",
      `Cannot attach a score to its prediction: scorer ${show(name)} has no letter and no digit`,
    );
  }
}
