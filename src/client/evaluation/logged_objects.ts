/**
 * The objects that an `EvaluationLogger` saves: its evaluation, its model and its scorers.
 *
 * @module
 */

import { assignData } from "../../protocol/json/object_facts.ts";
import { WeaveObject, type WeaveObjectParameters } from "../objects/weave_object.ts";
import { isOp } from "../op/op_state.ts";

/** A class of saved objects, by the name under which the server knows it. */
function classNamed(name: string, base: typeof WeaveObject = WeaveObject): typeof WeaveObject {
  return Object.defineProperty(class extends base {}, "name", { value: name });
}

const Evaluation = classNamed("Evaluation");
const Model = classNamed("Model");
const Scorer = classNamed("Scorer");

/** The evaluation, with fields of any name. */
export function loggedEvaluation(
  parameters: WeaveObjectParameters,
  fields: Record<string, unknown>,
): WeaveObject {
  return withFields(new Evaluation(parameters), fields);
}

/** A model of which only the name is known, if anything. */
export function loggedModel(name: string | undefined): WeaveObject {
  return withFields(new Model({ name: name || "model" }), { modelName: name });
}

/** A scorer: an object of a class with the scorer's name. */
export function loggedScorer(name: string): WeaveObject {
  return withFields(new (classNamed(name, Scorer))({ name }), { scorerName: name });
}

/** Lets an object be saved with fields that are not its own: one may be named like a method. */
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
