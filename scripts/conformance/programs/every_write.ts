/**
 * Makes every write of the client, and prints what a reader should find.
 *
 * @module
 */

import {
  Dataset,
  MessagesPrompt,
  op,
  publish,
  requireCurrentCallStackEntry,
  StringPrompt,
  weaveAudio,
  weaveImage,
  WeaveObject,
  withAttributes,
} from "../../../mod.ts";
import { initAsPlanned, type Plan, readPlan, tell } from "./plan.ts";
import { PNG, VALUES, WAV } from "./values.ts";

/** The plan of this program. */
export interface WritePlan extends Plan {
  /** Timeout of the delivery in ms (default: one minute). */
  readonly finishMs?: number;
}

const plan = readPlan<WritePlan>();
const client = await initAsPlanned(plan);
const calls: Record<string, unknown>[] = [];
const values: Record<string, unknown> = {};
const callId = (): string => requireCurrentCallStackEntry().callId;
const expectCall = (call: Record<string, unknown>): void => void calls.push(call);

await traceOps();
const scored = writeCallsByHand();
await publishValues();
writeTables();
client.fileCreate("notes.txt", "plain text é");
client.fileCreate("bytes.bin", new Uint8Array([0, 255, 10]));
const feedback = await writeFeedback(scored);
client.costCreate({ "model-a": { prompt_token_cost: 0.5, completion_token_cost: 0.25 } });

const result = await client.finish({ timeout: plan.finishMs ?? 240_000 });
const stats = await client.stats();
tell({ calls, values, feedback, result, deadLettered: stats.deadLettered });

async function traceOps(): Promise<void> {
  const leaf = op(function leaf(value: unknown) {
    expectCall({ id: callId(), op: "leaf", inputs: { value: "x" }, output: "x" });
    return value;
  }, { name: "leaf", parameterNames: ["value"] });
  const failing = op(async function failing() {
    expectCall({ id: callId(), op: "failing", error: "TypeError: on purpose" });
    await Promise.resolve();
    throw new TypeError("on purpose");
  }, { name: "failing" });
  const model = op(function model(name: string) {
    expectCall({
      id: callId(),
      op: "model",
      inputs: { arg0: name },
      usage: { m1: { requests: 1, prompt_tokens: 3 } },
    });
    return name;
  }, { name: "model", summarize: () => ({ usage: { m1: { prompt_tokens: 3 } } }) });
  const stream = op(function* stream(count: number) {
    for (let i = 0; i < count; i++) yield i;
  }, {
    name: "stream",
    streamReducer: {
      initialStateFn: () => [] as number[],
      reduceFn: (state: number[], chunk: number) => [...state, chunk],
      finalizeFn: () => {},
    },
  });
  const root = op(async function root(input: { list: unknown[] }) {
    const id = callId();
    const children = [leaf("x"), model("m"), [...stream(3)]];
    await failing().catch(() => {});
    expectCall({
      id,
      op: "root",
      display_name: "root of 2",
      inputs: { list: input.list },
      output: children,
      usage: { m1: { requests: 1, prompt_tokens: 3 } },
      attributes: { team: "a", request: 7 },
      children: ["failing", "leaf", "model", "stream"],
    });
    return children;
  }, {
    name: "root",
    parameterNames: "useParam0Object",
    callDisplayName: ({ list }) => `root of ${list.length}`,
    attributes: { team: "a" },
  });
  await withAttributes({ request: 7 }, () => root({ list: [1, "é"] }));
  for (const [name, value, read] of VALUES) {
    const echo = op(function echo(value: unknown) {
      expectCall({ id: callId(), op: name, inputs: { value: read }, output: read });
      return value;
    }, { name, parameterNames: ["value"] });
    echo(value);
  }
}

function writeCallsByHand(): string {
  const parent = client.callStart({
    op_name: "by-hand",
    inputs: { n: 1 },
    attributes: { kind: "hand" },
    thread_id: "thread-1",
    turn_id: "turn-1",
    wb_run_step: 3,
  });
  const child = client.callStart({
    op_name: "by-hand-child",
    trace_id: parent.trace_id,
    parent_id: parent.id,
    display_name: "given",
  });
  client.callEnd({ ...child, exception: "by hand", summary: { own: 1 } });
  client.callUpdate(child.id, "renamed");
  client.callEnd({ ...parent, output: { done: true } });
  expectCall({
    id: parent.id,
    op: "by-hand",
    inputs: { n: 1 },
    output: { done: true },
    attributes: { kind: "hand" },
    thread_id: "thread-1",
    turn_id: "turn-1",
    children: ["by-hand-child"],
  });
  expectCall({
    id: child.id,
    op: "by-hand-child",
    display_name: "renamed",
    exception: "by hand",
    summary: { own: 1 },
  });

  const running = client.callStart({ op_name: "never-ends" });
  expectCall({ id: running.id, op: "never-ends", isRunning: true });
  const early = client.callStart({ op_name: "renamed-while-it-runs", display_name: "before" });
  client.callUpdate(early.id, "after");
  client.callEnd({ ...early });
  expectCall({ id: early.id, op: "renamed-while-it-runs", display_name: "after" });
  const unnamed = client.callStart({ op_name: "name-cleared", display_name: "before" });
  client.callEnd({ ...unnamed });
  client.callUpdate(unnamed.id, "");
  expectCall({ id: unnamed.id, op: "name-cleared", display_name: null });
  const deleted = client.callStart({ op_name: "deleted" });
  const below = client.callStart({
    op_name: "deleted-too",
    trace_id: deleted.trace_id,
    parent_id: deleted.id,
  });
  client.callEnd({ ...below });
  client.callEnd({ ...deleted });
  client.callsDelete([deleted.id]);
  return parent.id;
}

async function publishValues(): Promise<void> {
  const save = async (value: unknown, name: string, read: unknown): Promise<string> => {
    const uri = (await publish(value, name)).uri();
    values[uri] = read;
    return uri;
  };
  const plain = { a: 1, text: "é 😀", list: [1.5, null, true] };
  await save(plain, "plain", plain);
  await save({ ...plain, a: 2 }, "plain", { ...plain, a: 2 });
  await save("just text", "text", "just text");
  const rows = [{ q: "1", n: 1 }, { q: "2", n: 2.5 }];
  await save(new Dataset({ name: "set", rows }), "set", {
    $type: "Dataset",
    name: "set",
    description: null,
    rows,
  });
  await save(new StringPrompt({ name: "greeting", content: "Hello {name}" }), "greeting", {
    $type: "StringPrompt",
    name: "greeting",
    description: null,
    content: "Hello {name}",
  });
  const messages = [{ role: "user", content: "Hi {name}" }];
  await save(new MessagesPrompt({ messages, description: "text" }), "messages", {
    $type: "MessagesPrompt",
    name: null,
    description: "text",
    messages,
  });
  await save(await weaveImage({ data: PNG, imageType: "png" }), "picture", {
    $type: "Image",
    size: [1, 1],
  });
  await save(await weaveAudio({ data: WAV, audioType: "wav" }), "sound", {
    $type: "Audio",
    frames: 2,
    rate: 8000,
  });
  class Settings extends WeaveObject {
    temperature = 0.5;
  }
  await save(new Settings({ name: "settings" }), "settings", {
    $type: "Settings",
    name: "settings",
    description: null,
    temperature: 0.5,
  });
  client.objCreate("raw", { raw: [1, 2] });
  values[`weave:///${plan.project}/object/raw:latest`] = { raw: [1, 2] };
  client.objCreate("board", { name: "b", columns: [] }, { builtinObjectClass: "Leaderboard" });
  const inner = await publish({ deep: "value" }, "inner");
  await save({ inner, note: "holds a ref" }, "outer", {
    inner: { deep: "value" },
    note: "holds a ref",
  });
}

function writeTables(): void {
  const { digest, row_digests } = client.tableCreate([{ x: 1 }, { x: 2 }]);
  const changed = client.tableUpdate(digest, [
    { append: { row: { x: 3 } } },
    { pop: { index: 0 } },
    { insert: { index: 0, row: { x: 0 } } },
  ], row_digests);
  const again = client.tableCreateFromDigests([row_digests[1], row_digests[0]]);
  const rows = (name: string, table: string | undefined, read: unknown): void => {
    const rows = `weave:///${plan.project}/table/${table}`;
    client.objCreate(name, {
      _type: "Dataset",
      _class_name: "Dataset",
      _bases: ["Object", "BaseModel"],
      name,
      description: null,
      rows,
    });
    values[`weave:///${plan.project}/object/${name}:latest`] = {
      $type: "Dataset",
      name,
      description: null,
      rows: read,
    };
  };
  rows("table-created", digest, [{ x: 1 }, { x: 2 }]);
  rows("table-changed", changed.digest, [{ x: 0 }, { x: 2 }, { x: 3 }]);
  rows("table-from-digests", again.digest, [{ x: 2 }, { x: 1 }]);
}

async function writeFeedback(callId: string): Promise<Record<string, unknown>[]> {
  const weave_ref = `weave:///${plan.project}/call/${callId}`;
  const note = { weave_ref, feedback_type: "wandb.note.1", payload: { note: "fine" } };
  const first = client.feedbackCreate({ ...note, creator: "suite" });
  const many = client.feedbackCreate([
    { weave_ref, feedback_type: "wandb.reaction.1", payload: { emoji: "👍" } },
    { weave_ref, feedback_type: "custom", payload: { any: [1] } },
  ]);
  const old = client.feedbackCreate({ ...note, payload: { note: "old" } });
  const replacing = client.feedbackReplace({
    ...note,
    payload: { note: "new" },
    feedback_id: old.id,
  });
  const scorer = await publish(op(function scorer() {}, { name: "scorer" }));
  const score = await client.addScore(callId, callId, scorer.uri(), { good: true });
  return [
    { id: first.id, feedback_type: "wandb.note.1", payload: { note: "fine" }, creator: "suite" },
    { id: many[0].id, feedback_type: "wandb.reaction.1", payload: { emoji: "👍" } },
    { id: many[1].id, feedback_type: "custom", payload: { any: [1] } },
    { id: replacing.id, feedback_type: "wandb.note.1", payload: { note: "new" } },
    { id: score, feedback_type: "wandb.runnable.scorer", payload: { output: { good: true } } },
  ];
}
