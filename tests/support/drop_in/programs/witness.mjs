// Reads the log each time the SDK reports that something is done, before any other code
// can run.
import { readdirSync, readFileSync } from "node:fs";
import OpenAI from "openai";
import * as weave from "weave";

const directory = ".weave/wal/team/witness";
/** New records of the log: `start f`, `end f`, and others by type. */
let seen = 0;
function fresh() {
  const lines = readdirSync(directory).filter((name) => name.endsWith(".jsonl")).sort()
    .flatMap((name) => readFileSync(`${directory}/${name}`, "utf8").trim().split("\n"));
  const records = lines.filter((line) => line !== "").map((line) => JSON.parse(line));
  const nameOf = (id) => {
    const { start } = records.find(({ req }) => req.start?.id === id).req;
    return start.op_name.split("/op/")[1].split(":")[0];
  };
  const added = records.slice(seen).map(({ type, req }) => {
    if (type === "call_start") return `start ${nameOf(req.start.id)}`;
    if (type === "call_end") {
      return `end ${nameOf(req.end.id)}${req.end.exception ? " failed" : ""}`;
    }
    return type;
  });
  seen = records.length;
  return added.sort();
}
const found = {};
const look = (step) => found[step] = fresh();

const client = await weave.init("team/witness", { printCallLink: false });
const api = client.traceServerApi;
const project_id = client.projectId;
const pause = () => new Promise((resolve) => setTimeout(resolve, 1));

const leaf = weave.op(async function leaf(n) {
  await pause();
  return n;
});
const [, call] = await weave.op(async function root() {
  return await Promise.all([leaf(1), leaf(2)]);
}).invoke();
look("nested");

await weave.op(function failing() {
  throw new TypeError("on purpose");
})().catch(() => {});
look("error");

const streamReducer = {
  initialStateFn: () => [],
  reduceFn: (all, n) => [...all, n],
  finalizeFn() {},
};
const numbers = weave.op(async function* numbers() {
  yield* [1, 2, 3];
}, { streamReducer });
for await (const _ of await numbers());
look("stream");
for await (const _ of await numbers()) break;
look("stream left early");
const breaking = weave.op(async function* breaking() {
  yield 1;
  throw new TypeError("on purpose");
}, { streamReducer });
try {
  for await (const _ of await breaking());
} catch {
  // Expected.
}
look("stream that breaks");

await weave.op(function picture() {
  return weave.weaveImage({ data: Buffer.from([137, 80, 78, 71]), imageType: "png" });
})();
look("image");

await client.publish({ temperature: 0.5 }, "settings");
look("publish");
const dataset = new weave.Dataset({ name: "rows", rows: [{ n: 1 }, { n: 2 }] });
await dataset.save();
look("dataset");

const model = weave.op(async function model({ datasetRow }) {
  await pause();
  return datasetRow.n;
});
const right = weave.op(function right({ modelOutput, datasetRow }) {
  return modelOutput === datasetRow.n;
});
const evaluation = new weave.Evaluation({ name: "exam", dataset, scorers: [right] });
await evaluation.evaluate({ model });
look("evaluation");

if (weave.EvaluationLogger) {
  const logger = new weave.EvaluationLogger({
    name: "by-hand",
    model: { name: "m" },
    dataset: "d",
  });
  const prediction = await logger.logPredictionAsync({ n: 1 }, 1);
  look("prediction");
  await prediction.logScore("close", 0.5);
  look("score");
  await prediction.finish();
  look("finished prediction");
  await logger.logSummary();
  look("summary");
}

const openai = weave.wrapOpenAI(
  new OpenAI({ apiKey: "none", baseURL: process.env.FAKE_OPENAI, maxRetries: 0 }),
);
const messages = [{ role: "user", content: "Say hello" }];
await openai.chat.completions.create({ model: "fake", messages });
look("completion");
const parts = await openai.chat.completions.create({ model: "fake", messages, stream: true });
for await (const _ of parts);
look("streamed completion");

await client.updateCall(call.id, "renamed");
await call.setDisplayName("renamed again");
look("updates");
if (client.addScore) {
  await client.addScore(call.id, call.id, "weave:///team/witness/op/right:abc", { good: true });
}
const { data: { id: feedback_id } } = await api.feedback.feedbackCreateFeedbackCreatePost({
  project_id,
  weave_ref: `weave:///${project_id}/call/${call.id}`,
  feedback_type: "wandb.note.1",
  payload: { note: "fine" },
});
await api.feedback.feedbackReplaceFeedbackReplacePost({
  project_id,
  feedback_id,
  weave_ref: `weave:///${project_id}/call/${call.id}`,
  feedback_type: "wandb.note.1",
  payload: { note: "better" },
});
look("feedback");
await api.cost.costCreateCostCreatePost({
  project_id,
  costs: { fake: { prompt_token_cost: 1, completion_token_cost: 2 } },
});
look("cost");
await api.calls.callsDeleteCallsDeletePost({ project_id, call_ids: [call.id] });
look("deletion");
console.log(JSON.stringify(found));
