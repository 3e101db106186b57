// Uses every feature of the official SDK, run with and without the log by the tests of
// register. Its last line reports what the program itself observed.
import process from "node:process";
import OpenAI from "openai";
import * as weave from "weave";

const client = await weave.init(process.env.TOUR_PROJECT ?? "team/tour");
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const attempt = async (run) => {
  try {
    return await run();
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
};
const printed = {};

// Nested and concurrent calls, with names, attributes and summaries.
const leaf = weave.op(function leaf(text) {
  return { text, length: text.length };
});
const branch = weave.op(async function branch(a, b) {
  await pause(2);
  return { both: await Promise.all([leaf(a), leaf(b)]) };
}, { parameterNames: ["a", "b"], callDisplayName: (a, b) => `branch ${a} ${b}` });
const model = weave.op(
  (name, tokens) => ({ name, usage: { prompt_tokens: tokens, total_tokens: tokens + 1 } }),
  { name: "model", summarize: (result) => ({ usage: { [result.name]: result.usage } }) },
);
const root = weave.op(async function root(input) {
  const branches = await Promise.all(["x", "y", "z"].map((name) => branch(name, "héllo 😀")));
  await model("m1", 3);
  await model("m1", input.list[0]);
  weave.requireCurrentChildSummary().own = 1;
  return branches.length;
}, { parameterNames: "useParam0Object" });
printed.root = await root({
  list: [1, 2.5, null, true],
  nested: { deep: { er: "x" } },
  nothing: undefined,
});
if (weave.withAttributes) {
  await weave.withAttributes({ request: "r-1" }, () => leaf("attributed"));
}

// Errors.
const failing = weave.op(async function failing(why) {
  await leaf("before");
  throw new TypeError(why);
});
printed.failed = await attempt(() => failing("on purpose"));
printed.caught = await weave.op(async function outer() {
  return await attempt(() => failing("inside"));
})();

// Streams.
const stream = weave.op(async function* stream(n) {
  for (let i = 0; i < n; i++) yield i;
}, {
  streamReducer: {
    initialStateFn: () => ({ sum: 0, done: false }),
    reduceFn: (state, chunk) => ({ ...state, sum: state.sum + chunk }),
    finalizeFn: (state) => {
      state.done = true;
    },
  },
});
printed.streamed = [];
for await (const chunk of await stream(4)) printed.streamed.push(chunk);

// Images and audio.
await weave.op(function picture() {
  return weave.weaveImage({
    data: Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 255]),
    imageType: "png",
  });
})();
await weave.op(function sound(audio) {
  return { audio };
})(weave.weaveAudio({ data: Buffer.from("RIFF plain text") }));

// Published values.
const dataset = new weave.Dataset({
  name: "questions",
  rows: [{ question: "one?", answer: "one" }, { question: "zwölf?", answer: "12" }],
});
const datasetRef = await dataset.save();
printed.dataset = datasetRef.uri();
const settingsRef = await client.publish({ temperature: 0.5, tiny: 1e-7, tags: ["ä"] }, "settings");
printed.settings = settingsRef.uri();
const prompt = new weave.StringPrompt({ name: "greeting", content: "Hello {name}" });
printed.prompt = (await client.publish(prompt)).uri();
await weave.op(function useRow(row) {
  return row.question ?? row;
})(dataset.getRow(1));

// Evaluations.
const answerer = weave.op(async function answerer({ datasetRow }) {
  await pause(1);
  return datasetRow.question.replace("?", "");
});
const exact = weave.op(function exact({ modelOutput, datasetRow }) {
  return { right: modelOutput === datasetRow.answer };
});
const evaluation = new weave.Evaluation({ name: "exam", dataset, scorers: [exact] });
const { model_latency: _, ...results } = await evaluation.evaluate({ model: answerer });
printed.evaluated = results;
if (weave.EvaluationLogger) {
  const logger = new weave.EvaluationLogger({
    name: "by-hand",
    model: { name: "m" },
    dataset: "d",
  });
  for (const n of [1, 2]) {
    const prediction = logger.logPrediction({ n }, n * n);
    prediction.logScore("close", n / 2);
    prediction.logScore("big", n > 1);
    prediction.finish();
  }
  await logger.logSummary();
}

// A client of another service, wrapped by the SDK.
const openai = weave.wrapOpenAI(
  new OpenAI({ apiKey: "none", baseURL: process.env.FAKE_OPENAI, maxRetries: 0 }),
);
const messages = [{ role: "user", content: "Say hello" }];
const whole = await openai.chat.completions.create({ model: "fake", messages });
printed.completion = whole.choices[0].message.content;
const parts = await openai.chat.completions.create({ model: "fake", messages, stream: true });
printed.parts = [];
for await (const part of parts) printed.parts.push(part.choices[0]?.delta?.content ?? "");

// Written data must be readable as soon as the SDK reports it as saved.
const [, call] = await leaf.invoke("seen");
if (!process.env.NO_READS) {
  await client.waitForBatchProcessing();
  await client.updateCall(call.id, "renamed");
  if (client.addScore) await client.addScore(call.id, call.id, printed.prompt, { good: true });
  const back = await client.get(datasetRef);
  printed.rows = back.rows.rows?.length;
  printed.read = await client.get(settingsRef);
  const [found] = await client.getCalls({ call_ids: [call.id] });
  printed.found = [found.display_name, found.output];
}
console.log(JSON.stringify(printed));
