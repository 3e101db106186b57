/**
 * Code as it is written for the official SDK: `npm run check` compiles it with that SDK's types,
 * package_test.ts with those of this package, the import line changed.
 *
 * @module
 */

import * as weave from "weave";
import { Dataset, init, MessagesPrompt, type Op, op, StringPrompt, WeaveObject } from "weave";
import type { CallSchema, CallsFilter, OpDecorator, WeaveAudio, WeaveImage } from "weave";

/** Functions, with types and without. */
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

/** Streams with a reducer, its types given or found. */
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

/** Values that are saved, and calls that are read. */
export async function values(bytes: WeaveImage["data"] & WeaveAudio["data"]): Promise<string[]> {
  const client: weave.WeaveClient = await init("team/project", {
    printCallLink: false,
    globalAttributes: { app: "typed" },
  });
  const image: WeaveImage = weave.weaveImage({ data: bytes, imageType: "png" });
  const audio: WeaveAudio = weave.weaveAudio({ data: bytes });
  const dataset = new Dataset({ name: "rows", rows: [{ q: "why", image, audio }] });
  dataset.save();
  const saved = await dataset.__savedRef;
  const questions: string[] = [dataset.getRow(0).q];
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
