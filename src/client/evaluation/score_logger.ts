/**
 * `ScoreLogger`: records the scores of one prediction.
 *
 * @module
 */

/**
 * The prediction that a {@linkcode ScoreLogger} records scores for.
 *
 * @example
 * ```ts ignore
 * import { EvaluationLogger, init } from "@weave-wal/client";
 *
 * await init("team/project", { wal: true });
 * const evaluation = new EvaluationLogger({ name: "capitals" });
 * evaluation.logPrediction({ country: "Peru" }, "Lima").logScore("exact", true);
 * await evaluation.logSummary();
 * ```
 */
export interface LoggedPrediction {
  /**
   * Records a score.
   *
   * @param scorerName Name of the scorer.
   * @param score A number, a boolean, or any JSON value.
   */
  score(scorerName: string, score: unknown): void;
  /**
   * Records the end of the prediction with all its scores.
   *
   * @param scores All scores, by scorer name.
   */
  finish(scores: Record<string, unknown>): void;
}

/**
 * Records the scores of one prediction. Returned by `EvaluationLogger.logPrediction`.
 *
 * Scores are recorded immediately; the promises need not be awaited.
 *
 * @example
 * ```ts ignore
 * import { EvaluationLogger, init } from "@weave-wal/client";
 *
 * await init("team/project", { wal: true });
 * const evaluation = new EvaluationLogger({ name: "capitals" });
 * const prediction = evaluation.logPrediction({ country: "Peru" }, "Lima");
 * prediction.logScore("exact", true);
 * prediction.finish();
 * await evaluation.logSummary();
 * ```
 */
export class ScoreLogger {
  readonly #prediction: LoggedPrediction;
  readonly #scores: Record<string, unknown> = Object.create(null);
  #isFinished = false;

  /** Not for users: use `EvaluationLogger.logPrediction`. */
  constructor(prediction: LoggedPrediction) {
    this.#prediction = prediction;
  }

  /** Whether `finish` was called. */
  get isFinishCalled(): boolean {
    return this.#isFinished;
  }

  /**
   * Records a score, as a call of the scorer and as feedback on the prediction.
   *
   * @param scorerName Name of the scorer, such as `"accuracy"`. If no object ID can be made from
   * it, digits, only the call is recorded, with a warning.
   * @param score A number, a boolean, or any JSON value.
   */
  // deno-lint-ignore require-await -- as the SDK has it
  async logScore(scorerName: string, score: unknown): Promise<void> {
    this.#prediction.score(scorerName, score);
    this.#scores[scorerName] = score;
  }

  /** Resolves immediately, since every method records synchronously. */
  waitForCompletion(): Promise<void> {
    return Promise.resolve();
  }

  /** Ends the prediction, whose scores then count in the summary. Further calls do nothing. */
  // deno-lint-ignore require-await -- as the SDK has it
  async finish(): Promise<void> {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#prediction.finish({ ...this.#scores });
  }
}
