/**
 * Code written for the official SDK: `npm run check` compiles it with that SDK's types,
 * package_test.ts with those of this package after changing the import line.
 *
 * @module
 */

import * as weave from "weave";
import {
  Dataset,
  Evaluation,
  EvaluationLogger,
  init,
  MessagesPrompt,
  type Op,
  op,
  type ScoreLogger,
  StringPrompt,
  WeaveObject,
} from "weave";
import type { CallSchema, CallsFilter, OpDecorator, WeaveAudio, WeaveImage } from "weave";

/** Functions with and without types. */
export async function functions(): Promise<void> {
  const untyped = op(async (input) => await input.text.trim());
  const typed = op(async function typed(a: number, b = 2) {
    return await Promise.resolve(a * b);
  });
  const product: number = await typed(1);
  const kept: Op<(a: number, b?: number) => Promise<number>> = typed;
  const named = op(async (input: { q: string }) => await Promise.resolve(input.q), {
    name: "named",
    parameterNames: "useParam0Object",
    callDisplayName: (input) => `asks ${input.q}`,
    summarize: (answer) => ({ usage: { model: { total_tokens: answer.length } } }),
  });
  const [answer, call] = await named.invoke({ q: "why" });
  const text: string = answer;
  await call.setDisplayName("renamed");
  await weave.withAttributes({ request: product }, async () => await untyped({ text }));
  weave.requireCurrentChildSummary().answers = 1;
  const { callId, traceId, childSummary } = weave.requireCurrentCallStackEntry();
  childSummary.ids = [callId, traceId, call.id, call.op_name, call.inputs, kept.__name];
}

/** Streams with a reducer, with explicit or inferred types. */
export async function streams(): Promise<void> {
  const stream = op(async function* stream(n: number) {
    for (let i = 0; i < n; i++) yield await Promise.resolve(i);
  }, {
    streamReducer: {
      initialStateFn: () => ({ sum: 0 }),
      reduceFn: (state, chunk) => ({ sum: state.sum + chunk }),
      finalizeFn: (state) => {
        state.sum++;
      },
    },
  });
  const reducer = {
    initialStateFn: () => "",
    reduceFn: (state: string, chunk: { text: string }) => state + chunk.text,
    finalizeFn: () => {},
  };
  const texts = op(async () =>
    await Promise.resolve({
      async *[Symbol.asyncIterator]() {
        yield await Promise.resolve({ text: "a" });
      },
    }), { streamReducer: reducer });
  for await (const { text } of await texts()) text.trim();
  for await (const n of stream(3)) n.toFixed();
}

/** Methods and objects. */
export class Model extends WeaveObject {
  model: string;
  private client = { ask: async (q: string) => await Promise.resolve(q) };

  constructor(model: string) {
    super({ name: "model", description: "answers" });
    this.model = model;
    this.predict = weave.op(this, this.predict);
  }

  async predict({ question }: { question: string }): Promise<string> {
    return await this.client.ask(question + this.model);
  }

  @weave.op
  async traced(question: string): Promise<string> {
    return await Promise.resolve(question);
  }
}

/** Type of a decorator with options. */
export type Decorator = OpDecorator<(question: string) => Promise<string>>;

/** Saved values, and reading calls. */
export async function values(bytes: WeaveImage["data"] & WeaveAudio["data"]): Promise<string[]> {
  const client: weave.WeaveClient = await init("team/project", {
    printCallLink: false,
    globalAttributes: { app: "typed" },
  });
  const image: WeaveImage = weave.weaveImage({ data: bytes, imageType: "png" });
  const audio: WeaveAudio = weave.weaveAudio({ data: bytes });
  const data = bytes as typeof bytes & Uint8Array;
  const sizes: number[] = [
    weave.weaveImage({ data }).data.length,
    weave.weaveAudio({ data }).data.length,
  ];
  const dataset = new Dataset({ name: "rows", rows: [{ q: "why", image, audio }] });
  dataset.save();
  const saved = await dataset.__savedRef;
  const questions: string[] = [dataset.getRow(0).q, `${sizes}`];
  for await (const row of dataset) questions.push(row.q);
  const ref: weave.ObjectRef = await client.publish({ temperature: 0.5 }, "settings");
  await Promise.all([ref.get(), client.get(ref), client.publish(op(values))]);
  const prompt = new StringPrompt({ name: "p", content: "Hello {name}" });
  const again = await StringPrompt.get(client, weave.ObjectRef.fromUri(ref.uri()).uri());
  const messages = new MessagesPrompt({ messages: [{ role: "user", content: "{q}" }] });
  questions.push(prompt.format({ name: 1 }), again.format(), `${messages.format()[0].content}`);
  const filter: CallsFilter = { op_names: ["weave:///team/project/op/typed:*"] };
  const calls = await client.getCalls(filter, true, 10);
  for await (const call of client.getCallsIterator()) {
    const { id, project_id, op_name, trace_id, started_at }: CallSchema = call;
    questions.push(id, project_id, op_name, trace_id, started_at);
  }
  await client.updateCall(calls[0].id, "renamed");
  questions.push(await client.addScore(calls[0].id, calls[0].id, ref.uri(), { good: true }));
  await client.waitForBatchProcessing();
  return [...questions, saved?.uri() ?? "", saved?.ui_url() ?? ""];
}

/** Evaluations: subsets of columns, renamed columns, objects as models, stepwise results. */
export async function evaluations(client: weave.WeaveClient): Promise<string[]> {
  const dataset = new Dataset({ name: "rows", rows: [{ q: "why", right: "so", n: 1 }] });
  const model = op(async function model({ datasetRow }: { datasetRow: { q: string } }) {
    return await Promise.resolve(datasetRow.q);
  });
  const exact = op(
    function exact(row: { datasetRow: { q: string; right: string }; modelOutput: string }) {
      return row.datasetRow.right === row.modelOutput;
    },
  );
  const length = op(async function length({ modelOutput }: { modelOutput: string }) {
    return await Promise.resolve({ length: modelOutput.length });
  });
  const evaluation = new Evaluation({
    name: "exact",
    description: "compares",
    dataset,
    scorers: [exact, length],
    maxConcurrency: 2,
  });
  const results = await evaluation.evaluate({ model, nTrials: 2, maxConcurrency: 3 });
  const { model_success, model_output, scores, model_latency } = await evaluation
    .predictAndScore({ model, example: { q: "why", right: "so", n: 1 } });
  const runnable = {
    id: "runnable",
    invoke: async ({ datasetRow }: { datasetRow: { input: string } }) =>
      await Promise.resolve(datasetRow.input),
  };
  const renamed = new Evaluation({
    dataset: new Dataset<Record<string, string>>({ rows: [{ text: "a" }] }),
    scorers: [op((_: { datasetRow: { input: string }; modelOutput: string }) => 1)],
    columnMapping: { input: "text" },
  });
  const others = await renamed.evaluate({ model: runnable as never });

  const logger = new EvaluationLogger({
    name: "logged",
    dataset,
    model: { name: "model" },
    scorers: ["exact"],
    attributes: { run: 1 },
    trial: 2,
  });
  const prediction: ScoreLogger = logger.logPrediction({ q: "why" }, "so");
  prediction.logScore("exact", true);
  await (await logger.logPredictionAsync({ q: "why" }, "so")).finish();
  await logger.logSummary({ exact: { mean: 1 } });

  const { currentCall, parentCall, newStack } = client.pushNewCall();
  const inside = client.runWithCallStack(newStack, () => client.getCallStack().peek()?.callId);
  const attributes = client.runWithAttributes({ a: 1 }, () => client.getCurrentAttributes());
  return [
    ...Object.keys({ ...results, ...others, ...scores, ...attributes }),
    `${model_success} ${model_output} ${model_latency.toFixed(1)} ${prediction.isFinishCalled}`,
    `${currentCall.traceId} ${parentCall?.callId} ${inside}`,
    `${client.settings.shouldPrintCallLink} ${client.settings.attributes.app}`,
  ];
}

/** Requests by route: bodies and responses are typed. */
export async function routes({ traceServerApi: api }: weave.WeaveClient): Promise<unknown[]> {
  const project_id = "team/project";
  const started_at = new Date().toISOString();
  const start = { project_id, op_name: "op", started_at, attributes: {}, inputs: {} };
  const started = await api.call.callStartCallStartPost({ start });
  const id: string = started.data.id + started.data.trace_id;
  const end = { project_id, id, ended_at: started_at, summary: {} };
  await api.call.callEndCallEndPost({ end });
  await api.call.callStartBatchCallUpsertBatchPost({
    batch: [{ mode: "start", req: { start } }, { mode: "end", req: { end } }],
  });
  const { data: { call } } = await api.call.callReadCallReadPost({ project_id, id });
  const name: string | undefined = call?.op_name;
  const stats = await api.calls.callsQueryStatsCallsQueryStatsPost({
    project_id,
    filter: { trace_roots_only: true },
  });
  const count: number = stats.data.count;
  const stream = await api.calls.callsQueryStreamCallsStreamQueryPost({
    project_id,
    sort_by: [{ field: "started_at", direction: "desc" }],
    limit: 1,
  }, { format: "text" });
  const lines: string[] = stream.data.split("\n");
  const made = await api.obj.objCreateObjCreatePost({
    obj: { project_id, object_id: "o", val: { a: 1 } },
  });
  const digest: string = made.data.digest;
  const read = await api.obj.objReadObjReadPost({ project_id, object_id: "o", digest });
  const found = await api.objs.objsQueryObjsQueryPost({ project_id, filter: { is_op: true } });
  const versions: number[] = found.data.objs.map(({ version_index }) => version_index);
  const table = await api.table.tableCreateTableCreatePost({ table: { project_id, rows: [{}] } });
  const rowDigests: string[] | undefined = table.data.row_digests;
  await api.table.tableUpdateTableUpdatePost({
    project_id,
    base_digest: table.data.digest,
    updates: [{ append: { row: {} } }, { pop: { index: 0 } }, { insert: { index: 0, row: {} } }],
  });
  const rows = await api.table.tableQueryTableQueryPost({ project_id, digest });
  const refs = await api.refs.refsReadBatchRefsReadBatchPost({ refs: [] });
  const costs = await api.cost.costQueryCostQueryPost({ project_id, fields: ["id"] });
  const model: string | null | undefined = costs.data.results[0]?.llm_id;
  const feedback = await api.feedback.feedbackCreateFeedbackCreatePost({
    project_id,
    weave_ref: "weave:///team/project/call/id",
    feedback_type: "note",
    payload: { note: "good" },
  });
  const at: string = feedback.data.created_at;
  const version: string = (await api.serverInfo.serverInfoServerInfoGet()).data
    .min_required_weave_python_version;
  const { error } = await api.calls.callsDeleteCallsDeletePost({ project_id, call_ids: [id] });
  const wrong: string | undefined = error.detail?.[0]?.msg;
  return [
    ...[name, count, lines, versions, rowDigests, model, at, version, wrong],
    ...[read.data.obj.val, rows.data.rows[0].val, refs.data.vals[0]],
  ];
}
