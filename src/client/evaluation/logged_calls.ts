/**
 * The calls that an `EvaluationLogger` records: calls of ops that never run, since their results
 * are already known.
 *
 * @module
 */

import { globalRecorder } from "../global_client.ts";
import type { CallRecorder } from "../calls/call_recorder.ts";
import { currentContext, runInContext } from "../calls/call_stack.ts";
import { op } from "../op/op.ts";
import type { AnyFunction, OpOptions } from "../op/op_types.ts";
import { ALWAYS_RECORDED, type OpState, opState } from "../op/op_state.ts";
import type { TracedCall } from "../calls/traced_call.ts";
import type { WalEventName } from "../pipeline/status/events.ts";

/** Attributes that mark calls of an `EvaluationLogger` in Weave. */
const LOGGED = { _weave_eval_meta: { imperative: true } };
/** Attributes that mark its calls of scorers. */
const LOGGED_SCORE = { _weave_eval_meta: { imperative: true, score: true } };

// Weave shows this as the source of the ops.
const evaluate = stateOf(function evaluate(_evaluation: unknown, _model: unknown) {
  // Logged by EvaluationLogger.
}, { name: "Evaluation.evaluate", parameterNames: "useParam0Object", attributes: LOGGED });

const predictAndScore = stateOf(
  function predict_and_score(_evaluation: unknown, _model: unknown, _example: unknown) {
    // Logged by EvaluationLogger.logPrediction.
  },
  {
    name: "Evaluation.predict_and_score",
    parameterNames: "useParam0Object",
    attributes: LOGGED,
  },
);

const predict = stateOf(function predict(_inputs: unknown) {
  // Logged by EvaluationLogger.logPrediction.
}, { name: "Model.predict", attributes: LOGGED });

const summarize = stateOf(function summarize(_evaluation: unknown) {
  // Logged by EvaluationLogger.logSummary.
}, { name: "Evaluation.summarize", parameterNames: "useParam0Object", attributes: LOGGED });

function score(_scorer: unknown, _output: unknown) {
  // Logged by ScoreLogger.logScore.
}

function stateOf(fn: AnyFunction, options: OpOptions<AnyFunction>): OpState {
  return opState(op(fn, { ...options, ...ALWAYS_RECORDED }))!;
}

/** Records the calls of one evaluation. Without a recorder, its calls are `null`. */
export class LoggedCalls {
  readonly #recorder: CallRecorder | null = globalRecorder();
  readonly #scores = new Map<string, OpState>();

  /** Starts the evaluation, a root call. */
  evaluate(inputs: object, attributes: Record<string, unknown>): TracedCall | null {
    const options = { ...evaluate.options, attributes: { ...LOGGED, ...attributes } };
    return this.#start({ ...evaluate, options }, null, inputs);
  }

  /** Starts the call of a prediction and its scores. */
  predictAndScore(parent: TracedCall | null, inputs: object): TracedCall | null {
    return this.#start(predictAndScore, parent, inputs);
  }

  /** Records a call of the model. */
  predict(parent: TracedCall | null, inputs: unknown, output: unknown): TracedCall | null {
    return ended(this.#start(predict, parent, inputs), output);
  }

  /** Records a call of a scorer. */
  score(
    parent: TracedCall | null,
    name: string,
    inputs: object,
    output: unknown,
  ): TracedCall | null {
    let state = this.#scores.get(name);
    if (state === undefined) {
      state = stateOf(score, {
        name: `${name}.score`,
        parameterNames: "useParam0Object",
        callDisplayName: () => `${name}.score`,
        attributes: LOGGED_SCORE,
      });
      this.#scores.set(name, state);
    }
    return ended(this.#start(state, parent, inputs), output);
  }

  /** Records the call that summarizes. */
  summarize(parent: TracedCall | null, inputs: object, output: unknown): void {
    ended(this.#start(summarize, parent, inputs), output);
  }

  /** Logs a message, once for each `name`. */
  warn(name: WalEventName, message: string): void {
    this.#recorder?.warn(name, message);
  }

  #start(state: OpState, parent: TracedCall | null, input: unknown): TracedCall | null {
    const recorder = this.#recorder;
    if (recorder === null) return null;
    const attributes = currentContext()?.attributes ?? null;
    return runInContext(
      { call: parent, owner: recorder, attributes },
      () => recorder.start(state, undefined, [input], false),
    );
  }
}

function ended(call: TracedCall | null, output: unknown): TracedCall | null {
  call?.succeed(output);
  return call;
}
