// A program of the official SDK, run by mock_sdk_test.ts in its own Node process.
import * as weave from "weave";

const client = await weave.init("team/sdk");

const inner = weave.op(function inner(text) {
  return text.toUpperCase();
});
const outer = weave.op(async function outer(text) {
  weave.requireCurrentCallStackEntry();
  return { text: await inner(text), usage: { prompt_tokens: 1 } };
});
const failing = weave.op(function failing() {
  throw new Error("on purpose");
});

const result = await outer("héllo");
await failing().catch(() => {});

const picture = weave.op(function picture() {
  return weave.weaveImage({ data: Buffer.from("not really a png"), imageType: "png" });
});
await picture();

const dataset = new weave.Dataset({ name: "words", rows: [{ word: "a" }, { word: "é" }] });
const ref = await dataset.save();
await weave.flush?.();
await client.waitForBatchProcessing();

const again = await client.get(ref);
const words = [];
for await (const row of again) words.push(row.word);

const calls = await client.getCalls();
const [first] = calls;
await client.updateCall(first.id, "renamed");
await client.addScore(first.id, calls[1].id, ref.uri(), { ok: true });
const renamed = (await client.getCall(first.id)).display_name;

console.log(JSON.stringify({
  result,
  words,
  renamed,
  calls: calls.map(({ op_name, exception, parent_id }) => ({ op_name, exception, parent_id })),
}));
