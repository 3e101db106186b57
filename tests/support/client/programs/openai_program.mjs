// Run by wrap_openai_compare_test.ts, once with the official SDK and once with this
// package: only the module differs. Prints the results of the client.
import OpenAI from "openai";
import { fakeOpenAI } from "../fake_openai.ts";

const weave = await import(process.argv[2]);
const client = await weave.init("team/compare", { printCallLink: false });
const server = fakeOpenAI();
const openai = weave.wrapOpenAI(
  new OpenAI({ apiKey: "sk-1", fetch: server.fetch, maxRetries: 0 }),
);
const report = {};
const messages = [{ role: "user", content: "Hi" }];

async function attempt(run) {
  try {
    return await run();
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
}

async function all(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(structuredClone(chunk));
  return chunks;
}

report.chat = await openai.chat.completions.create({ model: "gpt-4o-mini", messages });
report.stream = await all(
  await openai.chat.completions.create({ model: "gpt-4o-mini", messages, stream: true }),
);
report.asked = await all(
  await openai.chat.completions.create({
    model: "gpt-4o-mini",
    messages,
    stream: true,
    stream_options: { include_usage: true },
  }),
);
const stream = await openai.chat.completions.create({ model: "gpt-4o", messages, stream: true });
for await (const chunk of stream) if (chunk.choices[0].delta.content === "Hello") break;
report.failed = await attempt(() => openai.chat.completions.create({ model: "none", messages }));
report.response = await openai.responses.create({ model: "gpt-4o", input: "Hi" });
report.responseStream = await all(
  await openai.responses.create({ model: "gpt-4o", input: "Hi", stream: true }),
);
const given = await openai.responses.create({ model: "gpt-4o", input: "Hi", stream: true });
for await (const event of given) if (event.delta === " you") break;
await openai.images.generate({ model: "dall-e-3", prompt: "a cat" });
report.models = typeof openai.models.list;
report.isClient = openai instanceof OpenAI;

const agent = weave.op(async function agent(question) {
  const first = await openai.chat.completions.create({
    model: "gpt-4o-mini",
    messages: [{ role: "user", content: question }],
  });
  const second = await openai.responses.create({ model: "gpt-4o", input: question });
  return first.choices[0].message.content + second.output_text;
});
report.agent = await agent("why?");
report.requests = server.requests.map(({ path, body }) => ({ path, body }));
console.log(JSON.stringify(report));
if (client.finish) await client.finish();
else await client.waitForBatchProcessing();
