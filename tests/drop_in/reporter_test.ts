/**
 * Writes that the SDK reports as done are in the file: calls of ops, streams, errors,
 * evaluations and integrations, and every other write of the SDK's API.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "../harness.ts";
import {
  FakeOpenAi,
  SDK_VERSIONS,
  SdkProject,
  withoutStart,
} from "../support/drop_in/register_fixture.ts";

const times = (count: number, ...what: string[]): string[] => Array(count).fill(what).flat();
/** An op's first call saves the op. */
const op = ["file_create", "obj_create"];
const call = (name: string, count = 1): string[] => times(count, `start ${name}`, `end ${name}`);

/** Records that each step of the program appends. */
const EXPECTED: Readonly<Record<string, string[]>> = {
  nested: [...times(2, ...op), ...call("root"), ...call("leaf", 2)],
  error: [...op, "start failing", "end failing failed"],
  stream: [...op, ...call("numbers")],
  "stream left early": call("numbers"),
  // The SDK ends such a call with the items received before the error.
  "stream that breaks": [...op, ...call("breaking")],
  image: [...op, "file_create", ...call("picture")],
  publish: ["obj_create"],
  dataset: ["obj_create", "table_create"],
  evaluation: [
    ...times(4, ...op),
    "obj_create",
    ...call("Evaluation.evaluate"),
    ...call("Evaluation.predictAndScore", 2),
    ...call("model", 2),
    ...call("right", 2),
  ],
  prediction: [
    ...times(3, ...op),
    ...times(2, "obj_create"),
    "start Evaluation.evaluate",
    "start Evaluation.predict_and_score",
    ...call("Model.predict"),
  ],
  score: [...op, "obj_create", ...call("close.score"), "feedback_create"],
  "finished prediction": ["end Evaluation.predict_and_score"],
  summary: [...op, ...call("Evaluation.summarize"), "end Evaluation.evaluate"],
  completion: [...op, ...call("openai.chat.completions.create")],
  "streamed completion": [...op, ...call("openai.chat.completions.create")],
  updates: times(2, "call_update"),
  feedback: ["feedback_create", "feedback_create", "feedback_replace"],
  cost: ["cost_create"],
  deletion: ["calls_delete"],
};

/** Steps that need features of 0.10. */
const LATER = ["prediction", "score", "finished prediction", "summary"];

function expectedOf(version: string): Record<string, string[]> {
  const old = version.startsWith("0.9.");
  const steps = Object.entries(EXPECTED).filter(([step]) => !old || !LATER.includes(step));
  return Object.fromEntries(
    steps.map(([step, added]) => {
      // `addScore` was added in the same version.
      const what = old && step === "feedback" ? added.slice(1) : added;
      return [step, [...what].sort()];
    }),
  );
}

for (const version of Object.keys(SDK_VERSIONS)) {
  test(`register: with weave ${version}, completed writes are in the file`, async () => {
    using project = new SdkProject(version);
    await using openai = await FakeOpenAi.start();
    const { code, lines, errors } = await project.run("witness.mjs", {
      // Nothing is sent, so that the records stay in the file.
      env: { WEAVE_ENABLE_WAL: "true", WEAVE_DISABLE_WAL_SENDER: "true", FAKE_OPENAI: openai.url },
    });
    assert.equal(code, 0, errors);
    assert.equal(withoutStart(errors), "");
    assert.deepEqual(JSON.parse(lines.at(-1)!), expectedOf(version));
  });
}
