import OpenAI from "openai";
import { provider } from "./instrumentation.mjs";
import "./setup.mjs";

const completion = {
  id: "c",
  object: "chat.completion",
  created: 1,
  model: "gpt",
  choices: [{ index: 0, message: { role: "assistant", content: "Paris" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 },
};
const openai = new OpenAI({
  apiKey: "any",
  fetch: () => Promise.resolve(Response.json(completion)),
});
await openai.chat.completions.create({
  model: "gpt",
  messages: [{ role: "user", content: "What is the capital of France?" }],
});
await provider.shutdown();
