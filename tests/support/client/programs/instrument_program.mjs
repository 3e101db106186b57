// Run by compare_test.ts of the instrumentation, once with the official SDK and once with
// this package: only the module differs. The providers' SDKs are used unmodified.
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { fakeOpenAI } from "../fake_openai.ts";
import { anthropicEvents, anthropicMessage } from "../llm_chunks.ts";

const weave = await import(process.argv[2]);
const client = await weave.init("team/compare", { printCallLink: false });
const openai = new OpenAI({ apiKey: "sk-1", fetch: fakeOpenAI().fetch, maxRetries: 0 });
const anthropic = new Anthropic({
  apiKey: "sk-2",
  maxRetries: 0,
  fetch: (url, { body }) => Promise.resolve(answer(String(url), body)),
});

function answer(url, body) {
  if (url.includes("/batches")) {
    return Response.json({ id: "b-1", type: "message_batch" });
  }
  const { stream } = JSON.parse(body);
  if (!stream) return Response.json(anthropicMessage());
  const events = anthropicEvents().map((event) =>
    `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
  );
  return new Response(events.join(""), { headers: { "content-type": "text/event-stream" } });
}

const messages = [{ role: "user", content: "Hi" }];
const asked = { model: "claude-sonnet-4", max_tokens: 9, messages };
const report = {};

async function all(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(structuredClone(chunk));
  return chunks;
}

report.message = await anthropic.messages.create(asked);
report.events = await all(await anthropic.messages.create({ ...asked, stream: true }));
report.batch = await anthropic.messages.batches.create({ requests: [] });
report.again = await anthropic.messages.batches.retrieve("b-1");
report.chat = await openai.chat.completions.create({ model: "gpt-4o-mini", messages });
report.chunks = await all(
  await openai.chat.completions.create({ model: "gpt-4o-mini", messages, stream: true }),
);
report.response = await openai.responses.create({ model: "gpt-4o", input: "Hi" });
await openai.images.generate({ model: "dall-e-3", prompt: "a cat" });
const agent = weave.op(async function agent(question) {
  const { content } = await anthropic.messages.create({
    ...asked,
    messages: [{ role: "user", content: question }],
  });
  const { choices } = await openai.chat.completions.create({ model: "gpt-4o-mini", messages });
  return [content.length, choices.length];
});
report.agent = await agent("why?");
console.log(JSON.stringify(report));
if (client.finish) await client.finish();
else await client.waitForBatchProcessing();
