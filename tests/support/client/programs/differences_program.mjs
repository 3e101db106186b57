// Run by client_compare_test.ts like client_compare_program.mjs: all intentional
// differences from the official SDK.
const weave = await import(process.argv[2]);
const client = await weave.init("team/compare", { printCallLink: false });
const report = {};

const give = (name, value) => weave.op(() => value, { name })();
await give("date", new Date(0));
await give("map", new Map([["a", 1]]));
await give("set", new Set([1]));
await give("bytes", new Uint8Array([1, 2]));
await give("error", new RangeError("too far"));
await give("function", function named() {});
await give("undefined", undefined);
await give("symbol", Symbol("s"));
await give("expression", /a/g);
await give("address", new URL("http://x/y"));
await give("boxed", new String("ab"));
await give("ref", new weave.ObjectRef("team/compare", "o", "abc"));
const shared = { n: 1 };
await give("shared", { first: shared, second: shared });
await give(
  "publishedCopy",
  await (async () => {
    const settings = { temperature: 1 };
    await client.publish(settings, "settings");
    return { ...settings, temperature: 2 };
  })(),
);
const owned = { temperature: 1 };
await client.publish(owned, "owned");
report.propertiesAfterPublish = Object.keys(owned);

try {
  const prompt = new weave.StringPrompt({ name: "p", content: "c" });
  report.publishesWhatHoldsObjects = (await client.publish({ prompt }, "holder")).objectId;
} catch (error) {
  report.publishesWhatHoldsObjects = error.message;
}

const extra = weave.op((_a) => null, { name: "extra", parameterNames: ["a"] });
await extra(1, 2);
report.savedRefOfOp = extra.__savedRef !== undefined;
const lists = weave.op(() => null, { name: "leafOfLists" });
await weave.op(async () => {
  await lists();
  weave.requireCurrentChildSummary().list = [1];
  return "lists";
}, { name: "lists", summarize: () => ({ list: [2] }) })();

const sync = weave.op(() => 1, { name: "sync" });
report.syncReturns = sync() instanceof Promise ? "a promise" : "the value";
const throws = weave.op(() => {
  throw new Error("");
}, { name: "emptyError" });
report.syncThrows = "the error";
try {
  throws()?.catch?.(() => {});
  report.syncThrows = "a rejected promise";
} catch { /* Expected. */ }

const reducer = {
  initialStateFn: () => "",
  reduceFn: (state, chunk) => state + chunk,
  finalizeFn: () => {},
};
async function* broken() {
  yield "a";
  throw new Error("cut off");
}
try {
  for await (const _ of await weave.op(broken, { streamReducer: reducer })());
} catch { /* Expected. */ }

async function* plain() {
  yield "a";
  yield "b";
  return "end";
}
for await (const _ of await weave.op(plain)());
const nextOf = await weave.op(plain, { name: "next", streamReducer: reducer })();
try {
  report.nextOfStream = (await nextOf.next()).value;
} catch (error) {
  report.nextOfStream = error.constructor.name;
}

const slow = weave.op(async function slow(n) {
  await new Promise((resolve) => setTimeout(resolve, 5));
  return n;
});
const both = await Promise.all([slow.invoke(1), slow.invoke(2)]);
report.callsOfInvoke = new Set(both.map(([, call]) => call.id)).size;
report.jsonOfCall = typeof JSON.parse(JSON.stringify(both[0][1]));

const quietly = async (run) => {
  try {
    return await run();
  } catch (error) {
    return error.message;
  }
};
const mistake = () => {
  throw new Error("my mistake");
};
report.summarizeThrows = await quietly(() => weave.op(() => "value", { summarize: mistake })());
report.displayNameThrows = await quietly(
  () => weave.op(() => "value", { callDisplayName: mistake })(),
);

await client.waitForBatchProcessing();
console.log(JSON.stringify(report));
