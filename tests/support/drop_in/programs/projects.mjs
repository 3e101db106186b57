// Two projects alternately, and the writes that the SDK has methods for but never makes
// itself.
import * as weave from "weave";

const quiet = { printCallLink: false };
const printed = {};
const double = weave.op(function double(n) {
  return n * 2;
});
const first = await weave.init("team/first", quiet);
const [, kept] = await double.invoke(1);
const keptId = kept.id;
const second = await weave.init("team/second", quiet);
// An op is saved once; its ref points to the first project.
await double(2);
const triple = weave.op(function triple(n) {
  return n * 3;
});
await triple(2);
const again = await weave.init("team/first", quiet);
await triple(3);
const [, deleted] = await double.invoke(4);

// Without the log, the SDK would send these before its calls.
const clients = [first, second, again];
for (const client of clients) await client.waitForBatchProcessing();
const { traceServerApi: api, projectId: project_id } = again;
const deletion = await api.calls.callsDeleteCallsDeletePost({ project_id, call_ids: [deleted.id] });
printed.deleted = deletion.data;
const note = {
  project_id,
  weave_ref: `weave:///${project_id}/call/${keptId}`,
  feedback_type: "wandb.note.1",
};
const { data: { id: feedback_id } } = await api.feedback.feedbackCreateFeedbackCreatePost({
  ...note,
  payload: { note: "fine" },
});
await api.feedback.feedbackReplaceFeedbackReplacePost({
  ...note,
  feedback_id,
  payload: { note: "better" },
});
const costs = { fake: { prompt_token_cost: 1, completion_token_cost: 2 } };
await api.cost.costCreateCostCreatePost({ project_id, costs });
await second.updateCall(keptId, "of another project");
await first.updateCall(keptId, "kept");

printed.first = (await first.getCalls()).map(({ display_name, output }) => [display_name, output]);
printed.second = (await second.getCalls()).map(({ output }) => output);
for (const list of [printed.first, printed.second]) list.sort((a, b) => `${a}` < `${b}` ? -1 : 1);
console.log(JSON.stringify(printed));
