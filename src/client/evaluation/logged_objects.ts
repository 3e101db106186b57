/**
 * The objects that an `EvaluationLogger` saves: evaluation, model and scorers.
 *
 * @module
 */

import { assignData } from "../../protocol/json/object_facts.ts";
import { WeaveObject, type WeaveObjectParameters } from "../objects/weave_object.ts";
import { isOp } from "../op/op_state.ts";

/** Creates a class for saved objects, with the name that the server shows. */
function classNamed(name: string, base: typeof WeaveObject = WeaveObject): typeof WeaveObject {
  return Object.defineProperty(class extends base {}, "name", { value: name });
}

const Evaluation = classNamed("Evaluation");
const Model = classNamed("Model");
const Scorer = classNamed("Scorer");

/** Creates the evaluation, with fields of any name. */
export function loggedEvaluation(
  parameters: WeaveObjectParameters,
  fields: Record<string, unknown>,
): WeaveObject {
  return withFields(new Evaluation(parameters), fields);
}

/** Creates a model of which at most the name is known. */
export function loggedModel(name: string | undefined): WeaveObject {
  return withFields(new Model({ name: name || "model" }), { modelName: name });
}

/** Creates a scorer: an instance of a class with the scorer's name. */
export function loggedScorer(name: string): WeaveObject {
  return withFields(new (classNamed(name, Scorer))({ name }), { scorerName: name });
}

/** Overrides the saved fields of an object, since a field may have the name of a method. */
function withFields(object: WeaveObject, fields: Record<string, unknown>): WeaveObject {
  const saved = Object.fromEntries(
    Object.entries(assignData({}, fields)).filter(([key, value]) =>
      !key.startsWith("_") && (typeof value !== "function" || isOp(value))
    ),
  );
  const { saveAttrs } = WeaveObject.prototype;
  return Object.defineProperty(object, "saveAttrs", {
    value: () => assignData(saveAttrs.call(object), saved),
  });
}
