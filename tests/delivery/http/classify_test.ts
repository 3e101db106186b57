import assert from "node:assert/strict";
import { classify, type Outcome } from "../../../src/delivery/http/classify.ts";
import { test } from "../../harness.ts";

const FACTS = { serverUrl: "http://server.test", hasAnswered: () => true };

function outcomeOf(status: number, text: string): Outcome {
  return classify({ kind: "answer", status, text }, "/call/upsert_batch", FACTS);
}

test("classify: HTTP 413 is too large, not a refusal of every record in the batch", () => {
  assert.deepEqual(outcomeOf(413, '{"reason":"too large"}'), {
    kind: "too-large",
    status: 413,
    message: "too large",
  });
});

test("classify: an incomplete response with status 200 is a failure of the server", () => {
  const outcome = outcomeOf(200, '{"res":[');
  assert.equal(outcome.kind, "failure");
  assert.deepEqual(outcome.kind === "failure" && [outcome.state, outcome.asksToWait], [
    "down",
    true,
  ]);
  assert.equal(outcomeOf(200, '{"res":[]}').kind, "done");
});
