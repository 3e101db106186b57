// deno-lint-ignore-file require-await -- async functions are what is compared
// Run by client_compare_test.ts in a Node process of its own, once with the official SDK and once
// with this package: only the module differs.
const weave = await import(process.argv[2]);

const client = await weave.init("team/compare", {
  printCallLink: false,
  globalAttributes: { app: "compare" },
});

const attempt = async (run) => {
  try {
    return await run();
  } catch (error) {
    return error;
  }
};

// Names of arguments, ops and calls; nesting.
const leaf = weave.op(function leaf(text) {
  return { text, length: text.length };
});
const branch = weave.op(async function branch(a, b) {
  const both = await Promise.all([leaf(a), leaf(b)]);
  return { both };
}, { parameterNames: ["a", "b"], callDisplayName: (a, b) => `branch ${a} ${b}` });
const root = weave.op(async function root(input) {
  await new Promise((resolve) => setTimeout(resolve, 2));
  return [await branch("x", "yy"), await leaf(input.word)];
}, { parameterNames: "useParam0Object" });
await root({ word: "héllo 😀", list: [1, 2.5, null, true], nested: { deep: { er: "x" } } });
await weave.op(() => "named", { name: "given.name-1" })();
await weave.op((...list) => list.length)();

// Errors.
const failing = weave.op(async function failing() {
  await leaf("before");
  throw new TypeError("on purpose");
});
const outer = weave.op(async function outer() {
  return (await attempt(() => failing())).message;
});
await outer();
await attempt(() => failing());
await attempt(weave.op(async function throwsText() {
  throw "just text";
}));
await attempt(weave.op(async function throwsObject() {
  throw { code: 1 };
}));
await attempt(weave.op(async function throwsNothing() {
  throw undefined;
}));

// Summaries.
const model = weave.op(async function model(name, tokens) {
  return { name, usage: { prompt_tokens: tokens, total_tokens: tokens + 1 } };
}, { summarize: (result) => ({ usage: { [result.name]: result.usage } }) });
await weave.op(async function agent() {
  await Promise.all([model("m1", 3), model("m2", 5)]);
  await model("m1", 10);
  weave.requireCurrentChildSummary().own = 1;
  return "done";
}, { summarize: () => ({ answers: 1 }) })();
await attempt(weave.op(async function failsWithSummary() {
  await model("m1", 1);
  throw new Error("after its children");
}, { summarize: () => ({ never: 1 }) }));
for (const result of [null, 0, ""]) {
  await weave.op(() => result, { name: "summarized", summarize: () => ({ seen: 1 }) })();
}

// Methods.
class Counter {
  constructor() {
    this.step = 2;
  }
  count(n) {
    return n * this.step;
  }
}
const counter = new Counter();
await weave.op(counter, counter.count)(3);
await weave.op(counter, counter.count, { name: "counting", parameterNames: ["n"] })(4);

await weave.op(function bound() {
  return this.step;
}, { bindThis: counter })();
await weave.op(function adopted() {
  return this.step;
}, { shouldAdoptThis: true }).call(counter);

// Decorators as compiled code calls them: legacy, standard, and both with options.
class Legacy {
  step = 1;
  add(n) {
    return n + this.step;
  }
  named(n) {
    return n;
  }
  static double(n) {
    return 2 * n;
  }
}
for (
  const [target, key, decorate] of [
    [Legacy.prototype, "add", weave.op],
    [Legacy.prototype, "named", weave.op({ name: "legacy-named", parameterNames: ["n"] })],
    [Legacy, "double", weave.op],
  ]
) {
  const descriptor = Object.getOwnPropertyDescriptor(target, key);
  Object.defineProperty(target, key, decorate(target, key, descriptor));
}
await new Legacy().add(1);
await new Legacy().named(2);
await Legacy.double(3);
const initializers = [];
class Standard {
  constructor() {
    for (const run of initializers) run.call(this);
  }
  add(n) {
    return n + 1;
  }
  named(n) {
    return n;
  }
}
const context = (name) => ({
  kind: "method",
  name,
  static: false,
  private: false,
  addInitializer: (run) => initializers.push(run),
});
Standard.prototype.add = weave.op(Standard.prototype.add, context("add"));
Standard.prototype.named = weave.op({ callDisplayName: (n) => `shown ${n}` })(
  Standard.prototype.named,
  context("named"),
);
await new Standard().add(1);
await new Standard().named(2);

// Function names and missing arguments.
const arrow = (value) => value ?? "nothing";
await weave.op(arrow)();
await weave.op(arrow, { originalFunction: function original() {} })(null);
await weave.op((_a, _b, _c) => 0, { name: "some", parameterNames: ["a", "b", "c"] })(1, undefined);

// Attributes.
await weave.withAttributes({ request: "r-1", app: "inner" }, async () => {
  await leaf("attributed");
  await weave.withAttributes({ more: [1] }, () => branch("p", "q"));
});

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
  summarize: (state) => ({ sums: state.sum }),
});
for await (const _ of await stream(4));
const texts = {
  initialStateFn: () => ({ text: "" }),
  reduceFn: (state, chunk) => ({ text: state.text + chunk }),
  finalizeFn: () => {},
};
for await (
  const _ of await weave.op(function web() {
    return new ReadableStream({
      start(controller) {
        for (const chunk of ["a", "b"]) controller.enqueue(chunk);
        controller.close();
      },
    });
  }, { streamReducer: texts })()
);
const iterable = weave.op(async function iterable() {
  return {
    async *[Symbol.asyncIterator]() {
      yield "x";
      yield "y";
    },
  };
}, { streamReducer: texts });
for await (const _ of await iterable());
for await (const _ of await iterable()) break;
await weave.op(function noStream() {
  return { text: "whole" };
}, { streamReducer: texts })();

// Values with a representation of their own.
await weave.op(function picture() {
  return weave.weaveImage({ data: Buffer.from("png bytes") });
})();
await weave.op(function sound(audio) {
  return { audio };
})(weave.weaveAudio({ data: Buffer.from("wav bytes") }));
await weave.op(function gives(value) {
  return value;
})(leaf);

// Published values. Without a name and a description, this package would save both as
// `null`.
class Model extends weave.WeaveObject {
  constructor(parameters) {
    super(parameters);
    this.temperature = parameters.temperature;
    this.predict = weave.op(this, this.predict);
  }
  async predict(text) {
    return text + this.temperature;
  }
}
const dataset = new weave.Dataset({
  name: "my data!",
  description: "rows",
  rows: [{ word: "a", n: 1 }, { word: "b", n: 2.5 }],
});
const datasetRef = await dataset.save();
const useRow = weave.op(async function useRow(row) {
  return row.word ?? row;
});
await useRow(dataset.getRow(1));
const settings = { temperature: 0.5, tags: ["a"] };
const settingsRef = await client.publish(settings, "settings");
await useRow({ settings });
const prompt = new weave.StringPrompt({
  name: "greeting",
  description: "says hello",
  content: "Hello {name}",
});
const promptRef = await client.publish(prompt);
const messages = new weave.MessagesPrompt({
  name: "asks",
  description: "asks it",
  messages: [{ role: "user", content: "{q}" }],
});
await client.publish(messages);
const text = prompt.format({ name: "Ada" }) + messages.format({ q: "why" })[0].content;
await new Model({ name: "model", description: "adds", temperature: 3 }).predict("warm");
const opRef = await client.publish(leaf);
await useRow(new weave.Dataset({ name: "unsaved", description: "one", rows: [{ word: "c" }] }));

// A call's own view of itself, and later changes.
const [result, call] = await leaf.invoke("seen");
const seen = [result.length, call.output.length, call.inputs.arg0, typeof call.id];

await client.waitForBatchProcessing();
await call.setDisplayName("renamed");
await client.updateCall(call.id, "renamed twice");
await client.addScore(call.id, call.id, promptRef.uri(), { good: true });
await client.waitForBatchProcessing();

const back = await client.get(datasetRef);
const words = [];
for await (const row of back) words.push(row.word);
const again = await weave.StringPrompt.get(client, promptRef.uri());
const calls = await client.getCalls({ call_ids: [call.id] });

console.log(JSON.stringify({
  seen,
  text,
  words,
  again: again.format({ name: "Eve" }),
  settings: await settingsRef.get(),
  named: calls.map(({ display_name }) => display_name),
  uris: [datasetRef, settingsRef, promptRef, opRef].map((ref) => ref.uri()),
  missing: Object.keys(weave).filter((name) => typeof weave[name] === "undefined"),
}));
